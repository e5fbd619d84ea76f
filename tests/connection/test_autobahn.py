import random
import re
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.testing import MemoryReactorClock, StringTransport

from filtered_websocket.connection.autobahn import CLOSE_CODES, LeanProtocol
from filtered_websocket.connection.connection import Connection
from filtered_websocket.testing.server import Server
from filtered_websocket.transport.streams import READ_SIZE
from tests.support.raw_client import BINARY, CLOSE, TEXT, Frame, close_frame, close_of, frame, head
from tests.support.reactor_thread import call, until
from tests.support.serving import Served, on_message, serving


def test_what_autobahn_sets_on_a_connection_ours_has_as_well() -> None:
    factory = WebSocketServerFactory(reactor=MemoryReactorClock())
    factory.protocol = WebSocketServerProtocol
    theirs = factory.buildProtocol(None)
    call(theirs.makeConnection, StringTransport())  # its timers are the reactor's
    call(theirs.openHandshakeTimeoutCall.cancel)
    # Their signals are not used: there are filters for that.
    unused = {"_listeners", "_parent", "_valid_events"}
    # The options are on the class that is made for each server.
    options = set(WebSocketServerProtocol.CONFIG_ATTRS)
    names = set(vars(theirs)) - unused - options
    assert len(names) > 30, "Autobahn keeps its state elsewhere now: look again"
    assert {name for name in names if not hasattr(Connection, name)} <= {"factory", "transport"}
    served_options = {"maxMessagePayloadSize", "openHandshakeTimeout", "failByDrop", "logFrames", "versions"}
    assert served_options <= options
    with serving() as served:
        assert {name for name in options if not hasattr(served.server.protocol, name)} == set()


def test_the_class_holds_nothing_that_one_connection_could_change_for_all() -> None:
    shared = {
        name
        for base in LeanProtocol.__mro__[:1]
        for name, value in vars(base).items()
        if isinstance(value, (list, dict, set, bytearray)) and not name.startswith("__")
    }
    assert shared == set()


def echo(connection: Any, data: bytearray) -> None:
    connection.sendMessage(data)


@pytest.mark.parametrize("code", [999, 1004, 1005, 1006, 1014, 1015, 1016, 2999, 5000, -1])
def test_a_code_that_may_not_be_sent_is_refused_where_close_is_called(code: int) -> None:
    with serving(on_message(echo)) as served, served.open() as client:
        with pytest.raises(ValueError, match=f"{code} is no close code that may be sent"):
            call(served.connection().close, code)
        client.send("still here")
        assert client.text() == "still here"


@pytest.mark.parametrize("code", [*sorted(CLOSE_CODES), 3000, 4000, 4999])
def test_every_code_that_may_be_sent_arrives_and_its_echo_is_understood(code: int) -> None:
    with serving(on_message(echo)) as served, served.open() as client:
        call(served.connection().close, code, "why")
        assert client.closed() == (code, "why")
        served.until_empty()


def test_the_close_code_of_a_client_is_echoed() -> None:
    with serving() as served, served.open() as client:
        client.send(close_frame(4321, "bye"))
        answer = client.receive()
        assert answer is not None
        assert close_of(answer) == (4321, "bye")
        client.ended()


def test_a_client_that_never_answers_our_close_frame_is_dropped() -> None:
    with serving(close_timeout=0.1) as served, served.open() as client:
        call(served.connection().close, 4000)
        assert [each.opcode for each in client.frames()] == [CLOSE]
        served.until_empty()


# permessage-deflate.


class Deflating:
    """A client that speaks permessage-deflate.

    :param offer: the parameters it offers
    """

    def __init__(self, served: Served, offer: str = "", path: str = "/") -> None:
        extension = f"permessage-deflate{'; ' if offer else ''}{offer}"
        self.raw = served.client()

        self.raw.send(head(path, [("Sec-WebSocket-Extensions", extension)]))
        response = self.raw.response()
        assert response.status == 101
        (self.answer,) = response.header("Sec-WebSocket-Extensions")
        bits = re.search(r"server_max_window_bits=(\d+)", self.answer)
        self._inflate = zlib.decompressobj(-int(bits[1]) if bits else -15)
        client_bits = re.search(r"client_max_window_bits=(\d+)", self.answer)
        self.bits = -int(client_bits[1]) if client_bits else -15
        self._deflate: Any = None

    def receive(self) -> bytes:
        got = self.raw.receive()
        assert got is not None
        assert got.rsv == 4, got
        return self._inflate.decompress(got.payload + b"\0\0\xff\xff")

    def deflated(self, data: bytes) -> bytes:
        """In the context of what was sent before: as clients may, and some do that have agreed not to."""
        if self._deflate is None:
            self._deflate = zlib.compressobj(9, zlib.DEFLATED, self.bits)
        return bytes(self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def send(self, data: bytes, opcode: int = TEXT) -> None:
        self.raw.send(frame(self.deflated(data), opcode, rsv=4))


OFFERS = [
    "",
    "server_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits=9",
    "server_max_window_bits=12; client_max_window_bits=10",
    "client_max_window_bits",
]


@pytest.fixture
def compressed() -> Iterator[Served]:
    def to_all(connection: Any, data: bytearray) -> None:
        connection.sendMessage(b"own " + data)
        connection.subscribe("all")
        connection.publish("all", data)

    with serving(on_message(to_all), compression=True) as served:
        yield served


@pytest.mark.parametrize("offer", OFFERS)
def test_messages_are_compressed_both_ways_for_every_window(compressed: Served, offer: str) -> None:
    client = Deflating(compressed, offer)
    text = "".join(f"line {number} of a text that repeats itself\n" for number in range(2000)).encode()
    for each in [b"short", text, b"", text[::-1]]:
        client.send(each)
        assert client.receive() == b"own " + each
        assert client.receive() == each
    client.raw.quit()


def test_a_client_is_asked_for_nothing_but_what_it_has_offered(compressed: Served) -> None:
    answers = {
        offer: Deflating(compressed, offer).answer
        for offer in [*OFFERS, "client_max_window_bits=10", "client_max_window_bits=15"]
    }
    assert answers == {
        "": "permessage-deflate",
        "server_no_context_takeover; client_no_context_takeover": (
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        ),
        "server_max_window_bits=9": "permessage-deflate; server_max_window_bits=9",
        "server_max_window_bits=12; client_max_window_bits=10": (
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=10"
        ),
        "client_max_window_bits": "permessage-deflate; client_max_window_bits=12",
        "client_max_window_bits=10": "permessage-deflate; client_max_window_bits=10",
        "client_max_window_bits=15": "permessage-deflate; client_max_window_bits=12",
    }


@pytest.mark.parametrize("offer", OFFERS)
def test_only_a_client_that_has_sent_compressed_data_costs_an_inflater(compressed: Served, offer: str) -> None:
    client = Deflating(compressed, offer)
    until(lambda: compressed.users)
    deflate = compressed.connection()._perMessageCompress
    client.raw.send(frame("plain"))
    assert client.receive() == b"own plain"
    assert deflate._inflater is None
    client.send(b"deflated")
    assert [client.receive() for _ in range(2)] == [b"plain", b"own deflated"]
    assert deflate._inflater is not None


def test_clients_of_all_windows_and_of_none_share_a_channel(compressed: Served) -> None:
    clients = [Deflating(compressed, offer) for offer in [*OFFERS, OFFERS[0], OFFERS[2]]]
    for client in clients:
        client.send(b"here")
        assert client.receive() == b"own here"
    with compressed.open() as plain:
        plain.send("here")
        assert plain.text() == "own here"
        text = b"the same text for everybody, " * 100
        # What came before and after `plain` joined, each had: all in one order.
        plain.send(frame(text, TEXT))
        for client in clients:
            while client.receive() != text:
                pass
        for client in clients:
            client.raw.quit()


def test_without_the_option_no_compression_is_answered_and_compressed_frames_are_violations() -> None:

    with serving(on_message(echo)) as served, served.client() as client:
        client.send(head("/", [("Sec-WebSocket-Extensions", "permessage-deflate")]))
        assert client.response().header("Sec-WebSocket-Extensions") == []
        client.send(frame(b"x", rsv=4))
        assert client.closed()[0] == 1002


def bomb(size: int) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = b"\0" * 1_000_000
    parts = [deflate.compress(zeros) for _ in range(size // len(zeros))]
    return b"".join([*parts, deflate.flush(zlib.Z_SYNC_FLUSH)])[:-4]


@pytest.mark.parametrize("fragments", [1, 7])
def test_a_message_that_inflates_beyond_the_limit_closes_with_1009(fragments: int) -> None:
    data = bomb(50_000_000)
    with serving(on_message(echo), compression=True, max_message_size=100_000) as served:
        client = Deflating(served)
        size = len(data) // fragments + 1
        parts = [data[at : at + size] for at in range(0, len(data), size)]
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            client.raw.send(frame(part, 0 if number else BINARY, fin=last, rsv=0 if number else 4))
        assert client.raw.closed()[0] == 1009
        served.until_empty()


def test_a_message_that_inflates_to_exactly_the_limit_is_taken() -> None:
    with serving(on_message(echo), compression=True, max_message_size=100_000) as served:
        client = Deflating(served)
        client.send(b"x" * 100_000)
        assert client.receive() == b"x" * 100_000
        client.send(b"x" * 100_001)
        assert client.raw.closed()[0] == 1009


def fragments_of(data: bytes, size: int) -> list[bytes]:
    """One compressed message in frames of this size."""
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return [
        frame(part, 0 if at else BINARY, fin=at == len(parts) - 1, rsv=0 if at else 4) for at, part in enumerate(parts)
    ]


@pytest.mark.parametrize("limit", [1, 257, 258, 2400, 4096, 100_000])
@pytest.mark.parametrize("above", [1, 2, 100, 119, 257, 258])
@pytest.mark.parametrize("size", [1, 1 << 20])
def test_of_a_message_that_inflates_to_more_than_the_limit_nothing_is_handed_on(
    limit: int, above: int, size: int
) -> None:
    # An inflater may still hold up to 257 bytes, of one long match, when all its input is used up.
    with serving(on_message(echo), compression=True, max_message_size=limit) as served:
        client = Deflating(served)
        client.send(b"a" * limit, BINARY)
        assert client.receive() == b"a" * limit
        client.raw.send(*fragments_of(client.deflated(b"a" * (limit + above)), size))
        assert client.raw.closed()[0] == 1009
        served.until_empty()


def test_what_deflate_cannot_shrink_may_be_as_long_as_the_limit_too() -> None:
    noise = random.Random(1).randbytes(100_000)
    with serving(on_message(echo), compression=True, max_message_size=len(noise)) as served:
        client = Deflating(served)
        deflated = client.deflated(noise)
        assert len(deflated) > len(noise)
        for size in (1 << 20, 30_000):
            client.raw.send(*fragments_of(deflated, size))
            assert client.receive() == noise
            deflated = client.deflated(noise[::-1])
            noise = noise[::-1]


STORED = b"\x00\x04\x00\xfb\xff"
"""The head of a stored block of four bytes (RFC 1951, 3.2.4)."""


def ended_stream(data: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(data) + deflate.flush(zlib.Z_FINISH)


def by_itself(data: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -9)
    return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]


@pytest.mark.parametrize(
    ("deflated", "inflated"),
    [
        # RFC 7692, 7.2.3.4 and .5: a final block, and what may follow it.
        (bytes.fromhex("f348cdc9c9070000"), b"Hello"),
        (ended_stream(b"Hello"), b"Hello"),
        (ended_stream(b"one, ") + ended_stream(b"two"), b"one, two"),
        (ended_stream(b"one, ") + bytes.fromhex("f248cdc9c90700"), b"one, Hello"),
        (bytes.fromhex("f24805000000ffffcac9c90700"), b"Hello"),
        # The four bytes that a sender leaves out may be the last of its data: they too are part of the message.
        (STORED, b"\0\0\xff\xff"),
        (b"", b""),
        (b"\0", b""),
    ],
)
@pytest.mark.parametrize("offer", OFFERS)
def test_a_message_is_handed_on_whole_however_its_stream_ends(offer: str, deflated: bytes, inflated: bytes) -> None:
    with serving(on_message(echo), compression=True) as served:
        client = Deflating(served, offer)
        for size in (1 << 20, 1, 3):
            client.raw.send(*(fragments_of(deflated, size) or [frame(b"", BINARY, rsv=4)]))
            assert client.receive() == inflated
            client.raw.send(frame(by_itself(b"and the next"), BINARY, rsv=4))
            assert client.receive() == b"and the next"


def test_text_whose_last_bytes_come_out_at_the_end_alone_is_checked_too() -> None:
    with serving(on_message(echo), compression=True) as served:
        client = Deflating(served)
        client.raw.send(frame(STORED, TEXT, rsv=4))
        assert client.raw.closed()[0] == 1007


def test_the_limit_holds_for_what_comes_out_at_the_end_alone_too() -> None:
    with serving(on_message(echo), compression=True, max_message_size=3) as served:
        client = Deflating(served)
        client.raw.send(frame(STORED, BINARY, rsv=4))
        assert client.raw.closed()[0] == 1009


def test_a_message_of_nothing_but_ends_of_streams_holds_nobody_up() -> None:
    with serving(on_message(echo), compression=True) as served:
        client = Deflating(served)
        client.raw.send(frame(ended_stream(b"") * 100_000, BINARY, rsv=4))
        assert client.raw.closed()[0] == 1007
        served.until_empty()


def test_the_limit_of_inflated_messages_is_that_of_the_clients_own_pipeline() -> None:
    pipelines = {"/small": {"filters": [on_message(echo)], "max_message_size": 1000}, "*": [on_message(echo)]}
    with Server(pipelines=pipelines, compression=True) as server:
        small, large = (server.connect(path, compression=True) for path in ("/small", "/"))
        for client in (small, large):
            client.send(b"x" * 1001)
        assert (small.received(), small.close_code) == ([], 1009)
        assert large.received() == [b"x" * 1001]


@pytest.mark.parametrize("fragmented", [False, True])
def test_what_cannot_be_inflated_closes_with_1007_and_a_flood_behind_it_is_dropped(fragmented: bool) -> None:
    with serving(on_message(echo), compression=True, close_timeout=600) as served:
        client = Deflating(served)
        until(lambda: served.users)
        connection = served.connection()
        wrong = b"\xff" * 1000
        if fragmented:
            client.raw.send(frame(wrong[:10], TEXT, fin=False, rsv=4), frame(wrong[10:], 0))
        else:
            client.raw.send(frame(wrong, TEXT, rsv=4))
        for _ in range(100):
            client.raw.send(frame(b"y" * 50_000))
        until(lambda: len(connection.data) <= READ_SIZE)
        assert client.raw.closed()[0] == 1007
        served.until_empty()


def test_text_that_is_no_utf8_and_comes_in_many_pieces_closes_with_1007_once() -> None:
    with serving(on_message(echo), close_timeout=600) as served, served.open() as client:
        data = frame(b"\xff" * 200_000, TEXT)
        for at in range(0, len(data), 10_000):
            client.send(data[at : at + 10_000])
        assert client.closed()[0] == 1007
        served.until_empty()
        assert served.counted("closed", "protocol error 1007") == 1


def test_a_client_that_closes_right_behind_a_violation_is_not_waited_for() -> None:
    with serving(on_message(echo), compression=True, max_message_size=1000, close_timeout=600) as served:
        client = Deflating(served)
        client.raw.send(frame(bomb(1_000_000), BINARY, rsv=4) + close_frame())
        assert [close_of(each)[0] for each in client.raw.frames()] == [1009]
        served.until_empty()


def test_a_connection_that_is_compressed_keeps_order_with_pings_and_fragments() -> None:
    with serving(on_message(echo), compression=True) as served:
        client = Deflating(served)
        half = client.deflated(b"hello world")
        client.raw.send(frame(half[:4], TEXT, fin=False, rsv=4), frame(b"p", 9), frame(half[4:], 0))
        client.raw.send(frame("uncompressed is allowed too"))
        assert client.raw.receive() == Frame(10, b"p")
        assert client.receive() == b"hello world"
        assert client.receive() == b"uncompressed is allowed too"
