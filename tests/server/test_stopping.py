"""The end of a server: what is told, what is waited for, and how long."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.filters.base import WebSocketDisconnectFilter, WebSocketHandshakeFilter, WebSocketStopFilter
from filtered_websocket.testing.client import Client as MemoryClient
from filtered_websocket.testing.client import client_protocol
from filtered_websocket.testing.server import Server
from tests.support.raw_client import close_of, head
from tests.support.reactor_thread import call, until
from tests.support.serving import Events, a_turn, on_message, pairing, serving
from tests.support.stopping import stop, stopping

# The end.


def test_stopping_closes_every_client_with_1001() -> None:
    events = Events()
    with serving(*pairing(events)) as served:
        clients = [served.open() for _ in range(5)]
        stopped = stopping(served)
        for client in clients:
            assert client.closed() == (1001, "server is stopping")
        call(lambda: stopped)
        told = [events.next() for _ in range(10)]
        assert told.count("open") == told.count((1001, "server is stopping")) == 5


@pytest.mark.quiet
def test_stopping_waits_for_nobody_longer_than_2_seconds_and_runs_every_disconnect_chain_once() -> None:
    events = Events()

    def flood(connection: Any, data: bytearray) -> None:
        connection.sendMessage("x" * 20_000_000)

    with serving(on_message(flood), *pairing(events), send_buffer=10**8) as served:
        silent = served.open()
        never_reads = served.client(receive_buffer=4096).open()
        never_reads.send("flood")
        until(lambda: served.server.blocked)
        assert 1.0 < stop(served) < 2.0
        told = [events.next() for _ in range(4)]
        assert told.count("open") == told.count((1001, "server is stopping")) == 2
        assert events.none_is_left()
        assert [close_of(each)[0] for each in silent.frames()] == [1001]


def test_stopping_waits_for_disconnect_chains_that_wait() -> None:
    events = Events()

    class Slow(WebSocketDisconnectFilter):
        @classmethod
        async def filter(cls, connection: Any, data: None) -> None:
            for _ in range(10):
                await a_turn()
            events.tell("done")

    with serving(Slow) as served, served.open() as client:
        stopped = stopping(served)
        client.closed()
        call(lambda: stopped)
        assert not events.none_is_left()


@pytest.mark.quiet
def test_a_disconnect_filter_that_hangs_does_not_keep_the_server_from_stopping() -> None:
    class Hangs(WebSocketDisconnectFilter):
        @classmethod
        async def filter(cls, connection: Any, data: None) -> None:
            await Deferred()

    with serving(Hangs) as served:
        served.open().quit()
        assert stop(served) < 2.0


@pytest.mark.quiet
def test_a_stop_filter_that_hangs_has_the_time_of_any_filter() -> None:
    class Hangs(WebSocketStopFilter):
        @classmethod
        async def filter(cls, pipeline: Any, data: None) -> None:
            await Deferred()

    with serving(Hangs, filter_timeout=0.1) as served:
        assert stop(served) < 2.0


def test_a_client_still_in_its_handshake_when_the_server_stops_is_closed_when_it_is_through() -> None:
    events = Events()
    gate: Deferred[None] = Deferred()

    class Decides(WebSocketHandshakeFilter):
        @classmethod
        async def filter(cls, connection: Any, request: Any) -> None:
            events.tell("decides")
            await gate

    with serving(Decides, on_message(lambda connection, data: events.tell("open"))) as served:
        first, second = served.client(), served.client()
        first.send(head())
        assert events.next() == "decides"
        call(gate.callback, None)
        gate = Deferred()
        assert first.response().status == 101
        second.send(head())
        assert events.next() == "decides"
        # The first does not answer yet, so the server waits.
        stopped = stopping(served)
        call(gate.callback, None)
        assert second.response().status == 101
        assert second.closed() == (1001, "server is stopping")
        assert first.closed() == (1001, "server is stopping")
        call(lambda: stopped)


def test_a_client_that_has_not_asked_for_anything_yet_does_not_outlive_the_server() -> None:
    with Server() as server:
        silent, late = (MemoryClient(server, client_protocol("/")) for _ in range(2))
        server.add(silent)
        silent.connection.makeConnection(silent.transport)
        silent.write(b"GET / HTTP/1.1\r\n")
    server.add(late)
    late.connection.makeConnection(late.transport)
    server.settle()
    assert (silent.transport.connected, late.transport.connected) == (False, False)
    assert not server.reactor.getDelayedCalls()


def test_a_filter_that_waits_when_the_server_stops_is_cancelled() -> None:
    events = Events()

    async def hang(connection: Any, data: bytearray) -> None:
        events.tell("waits")
        try:
            await Deferred()
        finally:
            events.tell("cancelled")

    with serving(on_message(hang)) as served, served.open() as client:
        client.send("go")
        assert events.next() == "waits"
        stopped = stopping(served)
        assert client.closed() == (1001, "server is stopping")
        call(lambda: stopped)
        assert events.next() == "cancelled"


def test_disconnect_filters_that_wait_when_the_server_stops_are_cancelled_one_after_another() -> None:
    ran: list[str] = []

    async def waits(name: str) -> None:
        ran.append(name)
        try:
            await Deferred()
        finally:
            ran.append(f"not {name}")

    class First(WebSocketDisconnectFilter):
        @classmethod
        async def filter(cls, connection: Any, data: None) -> None:
            await waits("first")

    class Second(WebSocketDisconnectFilter):
        @classmethod
        async def filter(cls, connection: Any, data: None) -> None:
            await waits("second")

    with Server(First, Second) as server:
        server.connect().close()
        assert ran == ["first"]
    assert ran == ["first", "not first", "second", "not second"]
    assert not server.server._ending


def test_a_client_of_which_a_filter_still_decides_does_not_outlive_the_server() -> None:
    ran: list[str] = []

    class Decides(WebSocketHandshakeFilter):
        @classmethod
        async def filter(cls, connection: Any, request: Any) -> None:
            try:
                await Deferred()
            finally:
                ran.append("cancelled")

    with Server(Decides) as server:
        client = server.connect()
    assert (ran, client.transport.connected, server.server.deciding) == (["cancelled"], False, set())
    assert server.server.counters.totals["dropped", "filters took longer than the stop"] == 1
    assert not server.reactor.getDelayedCalls()
