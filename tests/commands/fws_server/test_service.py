"""One server in one process, begun and ended within this one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.commands.fws_server.service import Service
from filtered_websocket.errors import ConfigError
from filtered_websocket.filters.base import (
    FilterMeta,
    WebSocketDataFilter,
    WebSocketMessageFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from tests.support.http_client import ended, read_answer
from tests.support.raw_client import RawClient, frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import Events, logged, module_of


def service(*words: str, filters: tuple[FilterMeta, ...] = ()) -> Service:
    from twisted.internet import reactor

    argv = ["-f", module_of(*filters), "--host", "127.0.0.1", "-p", "0", *words]
    assembly = Assembly(argv, {})
    assembly.load()
    made: Service = call(Service, argv, assembly, assembly.options(), reactor)
    return made


def begin(served: Service) -> None:
    async def begun() -> None:
        await served.begin()

    call(begun)


def test_it_says_that_it_listens_after_start_filters_and_runs_stop_filters_when_it_does_no_more() -> None:
    events = Events()
    gate: Deferred[None] = Deferred()

    class Starts(WebSocketStartFilter):
        @classmethod
        async def filter(cls, pipeline: Any, data: None) -> None:
            events.tell("starts")
            await gate

    class Stops(WebSocketStopFilter):
        @classmethod
        def filter(cls, pipeline: Any, data: None) -> None:
            events.tell("stops")

    served = service(filters=(Starts, Stops))
    with logged() as lines:
        begun = call(lambda: [_started(served)])[0]
        assert events.next() == "starts"
        assert "listening on" not in "".join(lines)
        call(gate.callback, None)
        call(lambda: begun)
        assert "listening on ws://127.0.0.1:" in "".join(lines)
        call(served.end)
        assert events.next() == "stops"
        assert lines[-1] == "stopped\n"


def test_while_it_starts_no_more_than_so_many_may_ask_for_its_health() -> None:
    gate: Deferred[None] = Deferred()

    class Starts(WebSocketStartFilter):
        @classmethod
        async def filter(cls, pipeline: Any, data: None) -> None:
            await gate

    served = service("--max_http_connections", "1", filters=(Starts,))
    begun = call(lambda: [_started(served)])[0]
    address = ("127.0.0.1", served._port.getHost().port)
    with RawClient(address) as first, RawClient(address) as second:
        assert ended(second)
        assert served.server.counters.totals["refused", "max_http_connections"] == 1
        first.send(b"GET /health/ready HTTP/1.1\r\nHost: h\r\n\r\n")
        assert read_answer(first).json == {"status": "unavailable", "reason": "starting"}
        assert ended(first)
    call(gate.callback, None)
    call(lambda: begun)
    with RawClient(address) as client:
        client.open()
    call(served.end)


class _Gate:
    """A start filter that waits, and an echo."""

    def __init__(self) -> None:
        self.opened: Deferred[None] = Deferred()
        gate = self

        class Starts(WebSocketStartFilter):
            @classmethod
            async def filter(cls, pipeline: Any, data: None) -> None:
                await gate.opened

        class Echo(WebSocketMessageFilter):
            @classmethod
            def filter(cls, connection: Any, data: bytearray) -> None:
                connection.sendMessage(data)

        self.filters = (Starts, Echo)


@contextmanager
def starting(*words: str, filters: Any = ()) -> Iterator[tuple[Service, Any, Any]]:
    """A service that listens and has not started: itself, its address, and what lets it start."""
    gate = _Gate()
    served = service(*words, filters=(*gate.filters, *filters))
    begun = call(lambda: [_started(served)])[0]
    try:
        yield served, ("127.0.0.1", served._port.getHost().port), gate.opened
    finally:
        if not gate.opened.called:
            call(gate.opened.callback, None)
        call(lambda: begun)
        call(served.end)


@pytest.mark.parametrize("bytewise", [False, True])
def test_a_handshake_that_comes_before_the_storage_has_answered_waits_for_it(bytewise: bool) -> None:
    with starting() as (served, address, gate), RawClient(address) as client, RawClient(address) as half:
        sent = head() + frame("at once")
        client.send_bytewise(sent) if bytewise else client.send(sent)
        half.send(head()[:30])
        with RawClient(address) as other:
            other.send(b"GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n")
            assert read_answer(other).status == 200
        call(gate.callback, None)
        assert client.response().status == 101
        assert client.text() == "at once"
        half.send(head()[30:] + frame("the rest"))
        assert half.response().status == 101
        assert half.text() == "the rest"
        until(lambda: not served.server.site.connections)


def test_data_filters_see_what_came_before_the_start_from_its_first_byte() -> None:
    seen: list[bytes] = []

    class See(WebSocketDataFilter):
        @classmethod
        def filter(cls, connection: Any, data: bytes) -> None:
            seen.append(data)

    with starting(filters=(See,)) as (_, address, gate), RawClient(address) as client:
        client.send(head())
        with RawClient(address) as other:
            other.send(b"GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n")
            assert read_answer(other).status == 200
        assert seen == []
        call(gate.callback, None)
        assert client.response().status == 101
        assert b"".join(seen) == head()


def test_a_handshake_waits_no_longer_than_its_timeout_and_is_told_to_come_again() -> None:
    with starting("--handshake_timeout", "0.3") as (served, address, _), RawClient(address) as client:
        client.send(head())
        answer = read_answer(client)
        assert (answer.status, answer.headers["retry-after"], answer.headers["connection"]) == (503, "1", "close")
        assert ended(client)
        until(lambda: not served.server.site.connections)


def test_a_handshake_that_waits_is_told_when_the_server_stops_before_it_has_started() -> None:
    with starting() as (served, address, _), RawClient(address) as client:
        client.send(head())
        until(lambda: any(each._held for each in served.server.site.connections))
        call(served.server.site.shut)
        assert read_answer(client).status == 503
        assert ended(client)


def test_a_client_that_goes_while_its_handshake_waits_leaves_nothing() -> None:
    with starting("--max_connections_per_address", "1") as (served, address, gate):
        with RawClient(address) as client:
            client.send(head())
            until(lambda: any(each._held for each in served.server.site.connections))
            # The limits of the door hold while it starts.
            with RawClient(address) as second:
                second.send(head())
                assert second.response().status == 429
        until(lambda: not served.server.site.connections and not len(served.server.admission.addresses))
        call(gate.callback, None)
        with RawClient(address) as client:
            client.open().quit()


def _started(served: Service) -> Any:
    return Deferred.fromCoroutine(served.begin())


def test_what_has_begun_is_ended_also_when_the_start_fails() -> None:
    events = Events()

    class Fails(WebSocketStartFilter):
        @classmethod
        def filter(cls, pipeline: Any, data: None) -> None:
            raise RuntimeError("no")

    class Stops(WebSocketStopFilter):
        @classmethod
        def filter(cls, pipeline: Any, data: None) -> None:
            events.tell("stops")

    served = service(filters=(Fails, Stops))
    with pytest.raises(ConfigError, match=r"the start filter .*Fails.filter failed: RuntimeError: no"):
        begin(served)
    call(served.end)
    assert events.next() == "stops"


def test_a_service_that_never_began_ends() -> None:
    served = service()
    call(served.end)
