"""The way in: messages of all lengths and kinds, in order, also behind filters that wait."""

from pathlib import Path
from typing import Any

import pytest

from tests.support import certificates
from tests.support.raw_client import BINARY, CLOSE, PING, PONG, TEXT, Frame, close_frame, frame, head
from tests.support.serving import Events, a_turn, echo, on_data, on_message, pairing, serving


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


def test_order_is_kept_when_data_and_message_filters_wait() -> None:
    def sometimes(connection: Any, data: bytes) -> Any:
        return a_turn() if len(data) % 2 else None

    with serving(on_data(sometimes), on_message(sometimes_async)) as served, served.open() as client:
        messages = [f"{'async' if number % 3 else 'sync'} {number}" for number in range(60)]
        client.send_bytewise(b"".join(frame(each) for each in messages[:20]))
        for each in messages[20:]:
            client.send(each)
        assert [client.text() for _ in messages] == messages
