"""Frames: what the real server makes of a stream of them, and what wsproto does."""

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameProtocol, Opcode, ParseFailed

from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.messages.message import in_binary_message
from filtered_websocket.testing.server import Server
from tests.fuzz.agreement import DEFLATE, HEAD, End
from tests.parsers.differences import Difference
from tests.support.raw_client import BINARY, CLOSE, PING, PONG, TEXT, frame

LIMIT = 300
"""Largest message: small, so that inputs reach it."""
TOO_LARGE = 1009


class Outcome(NamedTuple):
    """
    :ivar messages: payload, and whether it was binary
    :ivar pongs: payloads of what answered pings
    :ivar code: of the close, the client's own or for what it did wrong; 1005 for none in it; None: it goes on
    """

    messages: list[tuple[bytes, bool]]
    pongs: list[bytes]
    code: int | None


class Hears(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection: Any, data: bytearray) -> None:
        connection.factory.told.append((bytes(data), in_binary_message.get()))


class Ours:
    """The real server, on a clock and without sockets."""

    def __init__(self) -> None:
        self._kit = Server(Hears, max_message_size=LIMIT, ping_interval=0, compression=True)
        self._server: Any = self._kit.server
        self._kit.__enter__()

    def close(self) -> None:
        self._kit.__exit__(None, None, None)

    def outcome(self, pieces: Sequence[bytes], deflate: bool) -> Outcome:
        """What is made of a stream that comes in these pieces."""
        kit = self._kit
        self._server.told = []
        end = End(self._server.buildProtocol(None))
        kit.add(end)  # type: ignore[arg-type]
        end.outgoing += HEAD + (DEFLATE if deflate else b"") + b"\r\n"
        kit.settle()
        head, _, _ = bytes(end.received).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101")
        assert (b"permessage-deflate\r\n" in head + b"\r\n") == deflate, head
        del end.received[:]
        for piece in pieces:
            end.outgoing += piece
            kit.settle()
        sent = _frames(bytes(end.received))
        end.transport.abortConnection()
        kit.settle()
        kit._clients.clear()
        assert not kit.errors
        assert not self._server.connections
        codes = [struct.unpack("!H", data[:2])[0] if data else 1005 for kind, data in sent if kind == CLOSE]
        return Outcome(self._server.told, [data for kind, data in sent if kind == PONG], codes[0] if codes else None)


def _frames(data: bytes) -> list[tuple[int, bytes]]:
    """Opcode and payload of small frames of a server."""
    found = []
    while data:
        size = data[1]
        assert size < 126
        found.append((data[0] & 15, data[2 : 2 + size]))
        data = data[2 + size :]
    return found


class Watched(PerMessageDeflate):
    """
    :ivar overlooked: what it has not looked at since it stands behind a final block: of what has come, not of what the
        receiver appends to each message
    :ivar forgot: in mid-message, that the message is compressed
    """

    overlooked = b""
    forgot = False

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> Any:
        read = super().frame_inbound_payload_data(proto, data)
        if self._decompressor is not None:
            self.overlooked = self._decompressor.unused_data
        return read

    def frame_inbound_complete(self, proto: Any, fin: bool) -> Any:
        self.forgot |= fin and not self._inbound_is_compressible and bool(self._inbound_compressed)
        return super().frame_inbound_complete(proto, fin)


class Theirs:
    """What wsproto makes of a stream, in a program that takes messages up to `LIMIT`.

    :ivar inflated: the extension that has inflated it
    """

    def __init__(self, stream: bytes, deflate: bool) -> None:
        self.inflated = Watched()
        if deflate:
            self.inflated.finalize("permessage-deflate")
        self._protocol = FrameProtocol(client=False, extensions=[self.inflated])
        self._protocol.receive_bytes(stream)
        self.outcome = _outcome(self._protocol)

    @property
    def undecided(self) -> bytes:
        """Of a text, the bytes at its end that may become a character."""
        decoder = self._protocol._message_decoder.decoder
        return b"" if decoder is None else decoder.getstate()[0]


def _outcome(protocol: FrameProtocol) -> Outcome:
    messages: list[tuple[bytes, bool]] = []
    pongs: list[bytes] = []
    begun = bytearray()
    try:
        for each in protocol.received_frames():
            if each.opcode is Opcode.CLOSE:
                assert isinstance(each.payload, tuple)
                return Outcome(messages, pongs, int(each.payload[0]))
            if each.opcode is Opcode.PING:
                pongs.append(bytes(each.payload))  # type: ignore[arg-type]
            elif each.opcode is not Opcode.PONG:
                data = each.payload
                begun += data.encode() if isinstance(data, str) else data  # type: ignore[operator]
                if len(begun) > LIMIT:
                    return Outcome(messages, pongs, TOO_LARGE)
                if each.message_finished:
                    messages.append((bytes(begun), each.opcode is Opcode.BINARY))
                    begun.clear()
    except ParseFailed as error:
        return Outcome(messages, pongs, int(error.code))
    decoder = protocol._frame_decoder
    header = decoder.header
    left = 0 if header is None or header.opcode.iscontrol() else header.payload_len - decoder.payload_consumed
    if len(begun) + left > LIMIT:
        return Outcome(messages, pongs, TOO_LARGE)
    return Outcome(messages, pongs, None)


class Parted(NamedTuple):
    """
    :ivar wsproto: how it came to what it makes of it
    """

    stream: bytes
    deflate: bool
    ours: Outcome
    theirs: Outcome
    wsproto: Theirs

    @property
    def is_at_one_place(self) -> bool:
        """Both have come as far, and see another fault there."""
        return self.ours[:2] == self.theirs[:2] and None not in (self.ours.code, self.theirs.code)

    def ends_earlier(self, one: Outcome, other: Outcome) -> bool:
        """One has refused what the other took for a message."""
        count = len(one.messages)
        return one.code is not None and count < len(other.messages) and one.messages == other.messages[:count]

    def has_more(self, one: Outcome, other: Outcome) -> bool:
        """One has read more in a message than the other, and so no other message differs before it."""
        for (longer, kind), (shorter, other_kind) in zip(one.messages, other.messages, strict=False):
            if (longer, kind) != (shorter, other_kind):
                return kind == other_kind and longer.startswith(shorter)
        return False

    def has_as_much(self, one: Outcome, other: Outcome) -> bool:
        """One has read what the other has, as far as it came."""
        messages, pongs = other.messages[: len(one.messages)], other.pongs[: len(one.pongs)]
        return (one.messages, one.pongs) == (messages, pongs)


PADDING = bytes(LIMIT + 20)
"""What completes a frame that is refused by its head alone."""


def parted(ours: Ours, pieces: Sequence[bytes], deflate: bool) -> Parted | None:
    """Where both part, if they do. What is refused by the head of a frame by one may be incomplete to the other."""
    stream = b"".join(pieces)
    one, wsproto = ours.outcome(pieces, deflate), Theirs(stream, deflate)
    other = wsproto.outcome
    if one != other and one[:2] == other[:2]:
        if other.code is None:
            wsproto = Theirs(stream + PADDING, deflate)
            other = wsproto.outcome
        elif one.code is None:
            one = ours.outcome([stream, PADDING], deflate)
    return None if one == other else Parted(stream, deflate, one, other, wsproto)


TABLE = (
    Difference(
        "a message that is too large is so whatever it holds",
        "what is beyond the limit is neither inflated nor looked at",
        "RFC 6455, 7.4.1: 1009; 10.4",
        frame(b"\xff" * (LIMIT + 1), TEXT),
        lambda parted: parted.is_at_one_place and parted.ours.code == 1009,
    ),
    Difference(
        "a frame that may not stand there is a protocol error, whatever it holds",
        "it is refused by its head",
        "RFC 6455, 5.4",
        frame(b"", BINARY, fin=False, rsv=4) + frame(b"\xff\xff", BINARY, rsv=4),
        lambda parted: parted.is_at_one_place and parted.deflate and parted.ours.code == 1002,
    ),
    Difference(
        "behind a final block another stream begins",
        "some senders end theirs with each message",
        "RFC 7692, 7.2.3.4",
        frame(b"\xfb\x0f\x00", BINARY, rsv=4) * 2,
        lambda parted: (
            parted.deflate
            and (
                (
                    parted.wsproto.inflated.overlooked
                    and parted.theirs.code == 1007
                    and parted.has_as_much(parted.theirs, parted.ours)
                )
                or parted.has_more(parted.ours, parted.theirs)
            )
        ),
    ),
    Difference(
        "a final block that ends in what the receiver appends is none",
        "the message was cut off",
        "RFC 7692, 7.2.1 and 7.2.2: an empty block stands there, of which the end is left out",
        frame(b"\xab", TEXT, rsv=4),
        lambda parted: parted.deflate and parted.ours.code == 1007 and parted.ends_earlier(parted.ours, parted.theirs),
    ),
    Difference(
        "what is no deflated data behind a final block is the fault of its message",
        "it comes first, whatever is wrong with a later frame, or with none",
        "RFC 6455, 7.4.1: 1007; RFC 7692, 7.2.2 and 7.2.3.4: all of a message is inflated",
        frame(b"\xfb\x0f\x00" + b"\xff", BINARY, fin=False, rsv=4) + frame(b"", BINARY, mask=None),
        lambda parted: (
            parted.wsproto.inflated.overlooked
            and parted.ours.code == 1007
            and parted.has_as_much(parted.ours, parted.theirs)
        ),
    ),
    Difference(
        "a compressed message is so, whatever control frames come between its fragments",
        "wsproto takes the end of a control frame for that of the message",
        "RFC 6455, 5.4; RFC 7692, 6.1: of a message's frames the first one says that it is compressed",
        frame(b"", BINARY, fin=False, rsv=4) + frame(b"", PING) + frame(b"\x4b\x04\x00", 0),
        lambda parted: parted.wsproto.inflated.forgot,
    ),
    Difference(
        "half of a surrogate is no text as soon as its second byte has come",
        "Python's decoder waits for the third, which can make it no better",
        "RFC 6455, 8.1; RFC 3629, 4: behind ED only 80 to 9F",
        frame(b"\xed\xa0", TEXT, fin=False) + frame(b"", TEXT),
        lambda parted: (
            parted.ours.code == 1007
            and b"\xed\xa0" <= parted.wsproto.undecided[:2] <= b"\xed\xbf"
            and parted.has_as_much(parted.ours, parted.theirs)
        ),
    ),
)
