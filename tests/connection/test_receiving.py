"""The way in: messages of all lengths and kinds, in order, also behind filters that wait."""

import socket
from pathlib import Path
from typing import Any

import pytest

from filtered_websocket.connection.connection import Connection
from tests.support import certificates
from tests.support.raw_client import BINARY, CLOSE, PING, PONG, TEXT, Frame, close_frame, frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import Events, a_turn, echo, logged, on_data, on_message, pairing, serving


def test_text_stays_text_and_binary_stays_binary() -> None:
    with serving(on_message(echo)) as served, served.open() as client:
        client.send(frame("hällo"), frame(b"hello"), frame(b"\xff\x00"), frame(""), frame(b""))
        assert client.receive() == Frame(TEXT, "hällo".encode())
        assert client.receive() == Frame(BINARY, b"hello")
        assert client.receive() == Frame(BINARY, b"\xff\x00")
        assert client.receive() == Frame(TEXT, b"")
        assert client.receive() == Frame(BINARY, b"")


def test_a_message_in_fragments_with_a_ping_between_them_is_one_message() -> None:
    with serving(on_message(echo)) as served, served.open() as client:
        client.send(frame(b"he", TEXT, fin=False), frame(b"?", PING), frame(b"l", 0, fin=False), frame(b"lo", 0))
        assert client.receive() == Frame(PONG, b"?")
        assert client.receive() == Frame(TEXT, b"hello")


def test_frames_behind_the_request_in_the_same_packet_are_served() -> None:
    with serving(on_message(echo)) as served, served.client() as client:
        client.send(head(), frame("first"), frame("x" * 300), frame("second"))
        assert client.response().status == 101
        assert [client.text() for _ in range(3)] == ["first", "x" * 300, "second"]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
def test_messages_of_every_length_encoding_come_back(size: int) -> None:
    with serving(on_message(echo)) as served, served.open() as client:
        client.send("a" * size, frame(b"b" * size))
        assert client.receive() == Frame(TEXT, b"a" * size)
        assert client.receive() == Frame(BINARY, b"b" * size)


def sometimes_async(connection: Any, data: bytearray) -> Any:
    if data.startswith(b"async"):
        return _later(connection, bytes(data))
    connection.sendMessage(data)
    return None


async def _later(connection: Any, data: bytes) -> None:
    await a_turn()
    await a_turn()
    connection.sendMessage(data)


@pytest.mark.parametrize("bytewise", [False, True], ids=["in one packet", "byte by byte"])
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_order_is_kept_over_filters_that_wait(bytewise: bool, tls: bool, tmp_path: Path) -> None:
    options = {"key": certificates.write(tmp_path).key, "cert": certificates.write(tmp_path).cert} if tls else {}
    messages = [f"{'async' if number % 3 else 'sync'} {number}" for number in range(30)]
    frames = [frame(each) for each in messages]
    frames[10:10] = [frame(b"in its place", PING)]
    # Fragments and large messages go another way than small frames, and may not overtake.
    frames[20:20] = [frame(b"async frag", TEXT, fin=False), frame(b"ment", 0)]
    expected = [Frame(TEXT, each.encode()) for each in messages]
    expected[10:10] = [Frame(PONG, b"in its place")]
    expected[20:20] = [Frame(TEXT, b"async fragment")]
    events = Events()
    with serving(on_message(sometimes_async), *pairing(events), **options) as served, served.open() as client:
        data = b"".join([*frames, close_frame(4000, "done")])
        if bytewise:
            client.send_bytewise(data)
        else:
            client.send(data)
        received = list(client.frames())
        assert received[:-1] == expected
        assert received[-1].opcode == CLOSE
        assert [events.next(), events.next()] == ["open", (4000, "done")]


def test_after_a_filter_has_closed_no_message_is_handed_to_filters() -> None:
    events = Events()

    def once(connection: Any, data: bytearray) -> None:
        events.tell(bytes(data))
        connection.close(4000)

    with serving(on_message(once), *pairing(events)) as served, served.open() as client:
        client.send("one", "two", frame(b"th", TEXT, fin=False), frame(b"ree", 0))
        assert client.closed() == (4000, "")
        assert [events.next(), events.next(), events.next()] == ["open", b"one", (4000, "")]
        assert events.none_is_left()


def test_a_data_filter_sees_the_handshake_and_bytes_of_no_websocket_at_all() -> None:
    events = Events()
    with serving(on_data(lambda connection, data: events.tell(data))) as served:
        with served.client() as client:
            client.send(b"Morgan\n")
            assert events.next() == b"Morgan\n"
        with served.open() as client:
            assert events.next() == head()


def test_bytes_that_a_data_filter_returns_are_parsed_instead() -> None:
    async def swap(connection: Any, data: bytes) -> bytes | None:
        await a_turn()
        return data.replace(frame("cat"), frame("dog"))

    with serving(on_data(swap), on_message(echo)) as served, served.open() as client:
        client.send("cat", "bird")
        assert [client.text(), client.text()] == ["dog", "bird"]


def test_a_data_filter_that_returns_no_bytes_is_named_and_the_client_refused() -> None:
    with logged() as lines, serving(on_data(lambda connection, data: data.decode())) as served:
        with served.client() as client:
            client.send(head())
            assert client.response().status == 500
        assert served.counted("failed", "filter") == 1
    assert "<lambda> (tests/connection/test_receiving.py, line " in "".join(lines)
    assert "returned str, and bytes is wanted" in "".join(lines)


def test_order_is_kept_when_data_and_message_filters_wait() -> None:
    def sometimes(connection: Any, data: bytes) -> Any:
        return a_turn() if len(data) % 2 else None

    with serving(on_data(sometimes), on_message(sometimes_async)) as served, served.open() as client:
        messages = [f"{'async' if number % 3 else 'sync'} {number}" for number in range(60)]
        client.send_bytewise(b"".join(frame(each) for each in messages[:20]))
        for each in messages[20:]:
            client.send(each)
        assert [client.text() for _ in messages] == messages


LARGE = 300_000


def in_pieces(data: bytes, size: int = 7001) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_a_large_frame_in_many_pieces_is_not_autobahns_affair(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []
    parse = Connection.parse

    def parse_and_tell(connection: Connection, data: bytes) -> None:
        if connection.opened:
            parsed.append(len(data))
        parse(connection, data)

    monkeypatch.setattr(Connection, "parse", parse_and_tell)
    with serving(on_message(echo)) as served, served.open() as client:
        for payload in ("x" * LARGE, "ä" * LARGE):
            for piece in in_pieces(frame(payload)):
                client.send(piece)
            assert client.text() == payload
        # Cut within its head, even: what Autobahn has then are those few bytes, once.
        connection = served.connection()
        wire = frame(b"x" * LARGE)
        for end in range(1, 14):
            call(connection.dataReceived, wire[:end])
            call(connection.dataReceived, wire[end:])
            assert client.receive() == Frame(BINARY, b"x" * LARGE)
        assert sum(parsed) < 14 * 14


def test_a_frame_that_is_too_large_is_refused_by_its_head() -> None:
    with serving(on_message(echo), max_message_size=LARGE) as served, served.open() as client:
        client.send(frame(b"x" * (LARGE + 1))[:14])
        assert client.closed()[0] == 1009
        served.until_empty()


@pytest.mark.parametrize("at", [0, 100, 200_000])
def test_text_that_is_none_is_refused_before_the_frame_has_ended(at: int) -> None:
    with serving(on_message(echo)) as served, served.open() as client:
        data = frame(b"x" * at + b"\xff" + b"x" * LARGE, TEXT)
        client.send(data[:70_000], data[70_000:220_000])
        assert client.closed()[0] == 1007
        served.until_empty()
        assert served.counted("closed", "protocol error 1007") == 1


def test_text_that_ends_within_a_character_is_refused() -> None:
    with serving(on_message(echo)) as served, served.open() as client:
        client.send(frame(b"x" * LARGE + b"\xe2\x82", TEXT))
        assert client.closed()[0] == 1007


def test_a_close_in_the_middle_of_a_large_frame_is_answered_behind_it() -> None:
    seen = Events()
    with serving(on_message(lambda _, data: seen.tell(len(data)))) as served, served.open() as client:
        data = frame(b"x" * LARGE)
        client.send(data[: LARGE // 2])
        connection = served.connection()
        until(lambda: connection.current_frame is not None)
        call(connection.close, 4000, "enough")
        closing = client.receive()
        assert closing is not None
        client.send(data[LARGE // 2 :], frame("not seen"), close_frame(4000))
        client.ended()
        served.until_empty()
        assert seen.none_is_left()


@pytest.mark.parametrize("ends", ["closes", "closes its side"])
def test_a_client_that_leaves_in_the_middle_of_a_large_frame_has_left(ends: str) -> None:
    events = Events()
    with serving(*pairing(events), on_message(echo)) as served, served.open() as client:
        client.send(frame(b"x" * LARGE)[:100_000])
        connection = served.connection()
        until(lambda: connection.current_frame is not None)
        if ends == "closes":
            client.socket.close()
        else:
            client.socket.shutdown(socket.SHUT_WR)
        assert [events.next(), events.next()] == ["open", (1006, connection.close_reason)]
        served.until_empty()
        assert connection.current_frame is None  # its bytes with it: a filter may keep the connection


def test_pauses_in_the_middle_of_a_large_frame_lose_nothing() -> None:
    async def wait(connection: Any, data: bytes) -> bytes:
        await a_turn()
        return data

    filters = on_data(wait), on_message(sometimes_async)
    with serving(*filters, byte_rate=10 * LARGE) as served, served.open() as client:
        connection = served.connection()
        messages = [f"{word}{'x' * LARGE}" for word in ("async", "sync", "async")]
        for piece in in_pieces(b"".join(map(frame, messages)) + frame(b"?", PING), 50_000):
            client.send(piece)
        assert [client.text() for _ in messages] == messages
        assert client.receive() == Frame(PONG, b"?")
        client.quit()
        served.until_empty()
        assert not call(lambda: connection.data or connection.held)


def test_a_client_above_its_rate_is_read_on_in_the_middle_of_a_large_frame() -> None:
    with serving(on_message(echo), byte_rate=LARGE) as served, served.open() as client:
        for _ in range(6):
            client.send(frame(b"x" * LARGE))
        for _ in range(6):
            assert client.receive() == Frame(BINARY, b"x" * LARGE)
        assert served.counted("slowed", "byte_rate")
