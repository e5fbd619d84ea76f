"""A publication: what was published to a channel, on its way to the channel's subscribers, and its form on a bus.

On a bus a publication is an envelope. Its first byte, 0xFF, begins no UTF-8 text, so whatever else arrives on a
channel is a bare message that another program wrote, and is taken as it is (text if it is valid UTF-8).

    0xFF [epoch ":" offset] "\\n" u16 excluded { u16 length, id } u16 besides { u16 length, channel }
                                 u16 messages { u8 binary, u32 length, payload }

Everything is big endian. A storage object that keeps history puts the position in front of the body itself, in the
same atomic step that appends (see ``storage_objects``).
"""

import struct
from collections.abc import Collection, Sequence
from typing import NamedTuple

MARK = b"\xff"
_U16 = struct.Struct(">H")
_MESSAGE = struct.Struct(">BI")
_ONE = struct.Struct(
    ">HHHBI"
)  # no excluded ids, no channels besides, one message, and that one's head: nearly every publication
_HEAD = MARK + b"\n"

Message = tuple[bytes, bool]
"""``(payload, is_binary)``; the payload of a text message is valid UTF-8."""


class Position(NamedTuple):
    """Where a publication stands in its channel's history: offsets count from 1 within one epoch."""

    epoch: str
    offset: int


class Publication:
    """One published message, or several sent together, for the subscribers of one channel.

    :ivar channel: the channel's name
    :ivar messages: a tuple of ``(payload: bytes, is_binary: bool)``
    :ivar exclude: ids of subscribers that get nothing
    :ivar position: a :class:`Position` when the channel keeps history, else None
    :ivar besides: channels that the same messages were published to together with this one, and before it: who is in
        one of them has had its copy
    """

    __slots__ = ("besides", "channel", "exclude", "messages", "position")

    def __init__(
        self,
        channel: str,
        messages: Sequence[Message],
        exclude: Collection[str] = (),
        position: Position | None = None,
        besides: Collection[str] = (),
    ) -> None:
        self.channel = channel
        self.messages = messages
        self.exclude = exclude
        self.position = position
        self.besides = besides

    @property
    def payload(self) -> bytes:
        """The payload of the first message."""
        return self.messages[0][0]

    def with_payload(self, payload: str | bytes) -> "Publication":
        """The same publication with another payload, str for text and bytes for binary: what a filter returns."""
        message = (payload.encode(), False) if isinstance(payload, str) else (bytes(payload), True)
        return Publication(self.channel, (message,), self.exclude, self.position, self.besides)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Publication):
            return NotImplemented
        return (self.channel, tuple(self.messages), set(self.exclude), self.position, set(self.besides)) == (
            other.channel,
            tuple(other.messages),
            set(other.exclude),
            other.position,
            set(other.besides),
        )

    __hash__ = None  # type: ignore[assignment]  # holds collections that callers own

    def __repr__(self) -> str:
        return f"Publication({self.channel!r}, {self.messages!r}, {self.exclude!r}, {self.position!r})"


def encode(publication: Publication) -> bytes:
    """The envelope of a publication, without its mark and position: what follows the newline.

    :raises ValueError: more than an envelope can hold: 65,535 names or messages, 64 KiB of name, 4 GiB of payload
    """
    messages = publication.messages
    try:
        if len(messages) == 1 and not publication.exclude and not publication.besides:
            payload, binary = messages[0]
            return _ONE.pack(0, 0, 1, binary, len(payload)) + payload
        parts = []
        for names in (publication.exclude, publication.besides):
            parts.append(_U16.pack(len(names)))
            for name in names:
                raw = name.encode("utf-8", "surrogatepass")  # clients can send lone surrogates in JSON
                parts += (_U16.pack(len(raw)), raw)
        parts.append(_U16.pack(len(messages)))
        for payload, binary in messages:
            parts += (_MESSAGE.pack(binary, len(payload)), payload)
    except struct.error as error:
        raise ValueError(f"the publication is too large for an envelope: {error}") from error
    return b"".join(parts)


def decode(channel: str, data: bytes) -> Publication:
    """The publication in what arrived on a channel; anything but an envelope is one bare message.

    :raises ValueError: an envelope that is cut short or longer than it says
    """
    if data[:1] != MARK:
        return Publication(channel, ((data, not is_text(data)),))
    try:
        if data[:2] == _HEAD:
            position, at = None, 2
        else:
            end = data.index(b"\n", 0, 128)
            position, at = _position(data[1:end]), end + 1
        nobody, nowhere, one, binary, length = _ONE.unpack_from(data, at)
        if one == 1 and not nobody and not nowhere and len(data) == at + 11 + length:
            return Publication(channel, ((data[at + 11 :], binary != 0),), (), position)
    except (struct.error, ValueError):
        pass  # shorter than one message, or broken: the long way tells
    try:
        end = data.index(b"\n", 0, 128)
        position = _position(data[1:end])
        exclude, at = _names(data, end + 1)
        besides, at = _names(data, at)
        messages, at = _messages(data, at)
    except (struct.error, ValueError) as error:
        raise ValueError(f"not a publication's envelope: {error}") from error
    if at != len(data):
        raise ValueError(f"not a publication's envelope: {len(data) - at} bytes left over")
    return Publication(channel, messages, exclude, position, besides)


def _position(raw: bytes) -> Position | None:
    epoch, colon, offset = raw.rpartition(b":")
    if colon and offset.isdigit():
        return Position(epoch.decode("ascii"), int(offset))
    if raw:
        raise ValueError("no position before the newline")
    return None


def is_text(data: bytes) -> bool:
    """Whether these bytes can be sent as text: valid UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _names(data: bytes, at: int) -> tuple[frozenset[str], int]:
    (count,) = _U16.unpack_from(data, at)
    at += 2
    names = []
    for _ in range(count):
        (length,) = _U16.unpack_from(data, at)
        at += 2 + length
        names.append(_exactly(data, at - length, length).decode("utf-8", "surrogatepass"))
    return frozenset(names), at


def _messages(data: bytes, at: int) -> tuple[tuple[Message, ...], int]:
    (count,) = _U16.unpack_from(data, at)
    at += 2
    messages = []
    for _ in range(count):
        binary, length = _MESSAGE.unpack_from(data, at)
        at += 5 + length
        messages.append((_exactly(data, at - length, length), bool(binary)))
    return tuple(messages), at


def _exactly(data: bytes, at: int, length: int) -> bytes:
    if at + length > len(data):
        raise ValueError("cut short")
    return data[at : at + length]
