"""Why a connection is not read for a while: its share of a turn is over, a filter is awaited, it sent too much."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.connection import receiving
from filtered_websocket.filters.base import (
    WebSocketDataFilter,
    WebSocketMessageFilter,
)
from filtered_websocket.limits.fair_share import SHARE
from filtered_websocket.testing.server import Server
from filtered_websocket.transport.streams import READ_SIZE
from tests.support.raw_client import BINARY, PING, TEXT, close_frame, frame
from tests.support.reactor_thread import call, until
from tests.support.serving import echo, is_waiting, on_message, serving

FLOOD = 1000
FOREVER = 600


class Note(WebSocketMessageFilter):
    """Notes what it sees, on the pipeline."""

    @classmethod
    def filter(cls, connection, data):
        connection.pipeline.__dict__.setdefault("seen", []).append(bytes(data))


class CloseAt500(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection, data):
        if data == b"500":
            connection.close(4000, "500")


class AsItIs(WebSocketDataFilter):
    @classmethod
    def filter(cls, connection, data): ...


def numbers(begin=0, end=FLOOD):
    return [str(number).encode() for number in range(begin, end)]


def single(parts):
    return b"".join(frame(part, TEXT) for part in parts)


def fragmented(parts):
    return b"".join(frame(part[:1], TEXT, fin=False) + frame(part[1:], 0) for part in parts)


def between_pings(parts):
    return b"".join(frame(b"", PING) + frame(part, TEXT) for part in parts)


def one(server):
    return next(iter(server.server.connections))


@pytest.fixture(autouse=True)
def short(monkeypatch):
    # Whatever Autobahn's parser does, then its share is over: a step per turn.
    monkeypatch.setattr(receiving, "SHARE_SECONDS", -1.0)


@pytest.mark.parametrize("made", [single, fragmented, between_pings])
@pytest.mark.parametrize("filters", [(Note,), (AsItIs, Note)], ids=["plain", "behind a data filter"])
def test_a_flood_is_handled_in_order_over_turns_and_reading_pauses_meanwhile(made, filters):
    with Server(*filters) as server:
        server.connect()
        connection = one(server)
        connection.dataReceived(made(numbers()))
        seen = server.pipeline().seen if hasattr(server.pipeline(), "seen") else []
        assert len(seen) < FLOOD
        assert connection.standing_still()
        # What comes all the same (TLS does that) is behind it.
        connection.dataReceived(made(numbers(FLOOD, 2 * FLOOD)))
        server.settle()
        assert server.pipeline().seen == numbers(0, 2 * FLOOD)
        assert not connection.standing_still()


def test_others_are_served_between_the_turns_of_a_flood():
    with Server(Note) as server:
        server.connect()
        flood = one(server)
        server.connect()
        (other,) = server.server.connections - {flood}
        flood.dataReceived(single(numbers()))
        other.dataReceived(frame(b"other", TEXT))
        assert server.pipeline().seen.index(b"other") == SHARE


def test_what_fits_the_share_takes_one_turn():
    with Server(Note) as server:
        server.connect()
        connection = one(server)
        connection.dataReceived(single(numbers(0, SHARE)))
        assert not connection.standing_still()
        assert server.pipeline().seen == numbers(0, SHARE)


def test_a_close_within_a_flood_ends_it_there():
    with Server(CloseAt500, Note) as server:
        client = server.connect()
        one(server).dataReceived(single(numbers()))
        server.settle()
        assert server.pipeline().seen == numbers(0, 501)
        assert (client.close_code, client.close_reason) == (4000, "500")
        assert not server.server.connections


def test_a_close_of_ours_while_a_flood_rests_drops_the_rest_and_reads_the_reply():
    with Server(Note) as server:
        client = server.connect()
        connection = one(server)
        connection.dataReceived(single(numbers()))
        connection.close(1001, "enough")
        server.settle()
        assert client.close_code == 1001
        assert server.pipeline().seen == numbers(0, SHARE)
        assert not server.server.connections


def test_pings_without_end_while_closing_do_not_hold_the_reactor(monkeypatch):
    monkeypatch.setattr(receiving, "SHARE_SECONDS", 0.0001)
    with Server(Note, close_timeout=60) as server:
        server.connect()
        connection = one(server)
        connection.close(1001, "enough")
        connection.dataReceived(frame(b"", PING) * 20_000 + close_frame(1001))
        assert connection.standing_still()
        server.settle()
        assert connection.close_code == 1001


def test_a_connection_that_ends_while_it_rests_is_gone():
    with Server(Note) as server:
        server.connect()
        connection = one(server)
        connection.dataReceived(single(numbers()))
        connection.abortConnection()
        server.settle()
        assert not server.server.connections
        assert len(server.pipeline().seen) == SHARE


def test_fragments_without_payload_cost_no_memory(monkeypatch):
    monkeypatch.setattr(receiving, "SHARE_SECONDS", 60.0)
    with Server(Note) as server:
        server.connect()
        connection = one(server)
        connection.dataReceived(frame(b"", BINARY, fin=False))
        for _ in range(20):
            connection.dataReceived(frame(b"", 0, fin=False) * 1000)
        assert connection.message_data == b""
        assert not connection.frame_data
        connection.dataReceived(frame(b"x", 0, fin=False) * 1000)
        assert connection.message_data == b"x" * 1000
        connection.dataReceived(frame(b"", 0))
        assert server.pipeline().seen == [b"x" * 1000]


def test_while_one_connection_waits_the_others_go_on_and_its_own_bytes_wait_in_the_kernel() -> None:
    gate: Deferred[None] = Deferred()

    async def wait_for_gate(connection: Any, data: bytearray) -> None:
        if data == b"wait":
            await gate
        connection.sendMessage(data)

    with serving(on_message(wait_for_gate)) as served, served.open() as waiting, served.open() as other:
        waiting.send("wait", *(f"behind {number}" for number in range(1000)))
        until(lambda: any(each.waits for each in served.users.values()))
        other.send("goes on")
        assert other.text() == "goes on"
        held = call(lambda: max(len(each.data) + len(each.held) for each in served.users.values()))
        assert held <= 65536
        call(gate.callback, None)
        assert [waiting.text() for _ in range(1001)] == ["wait", *(f"behind {number}" for number in range(1000))]


def test_the_clock_of_pings_stands_still_while_a_filter_waits() -> None:
    gate: Deferred[None] = Deferred()

    async def wait(connection: Any, data: bytearray) -> None:
        await gate
        connection.sendMessage(data)

    with serving(on_message(wait), ping_interval=2, ping_timeout=1) as served, served.open() as client:
        client.send("go")
        until(is_waiting, served)
        call(lambda: [served.server.heartbeat._tick() for _ in range(20)])
        call(gate.callback, None)
        assert client.text() == "go"
        client.quit()


def test_a_flood_behind_a_message_that_was_too_large_is_dropped_not_kept() -> None:
    with serving(on_message(echo), max_message_size=1000, close_timeout=FOREVER) as served, served.open() as client:
        connection = served.connection()
        client.send(frame(b"x" * 1001))
        for _ in range(200):
            client.send(frame(b"y" * 50_000))
        assert call(lambda: len(connection.data) + len(connection.held)) <= READ_SIZE
        assert client.closed()[0] == 1009
