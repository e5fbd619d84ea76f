"""The envelope of a publication: its form on a bus that other nodes read.

The first byte, 0xFF, begins no UTF-8 text. So what else arrives on a channel is a bare message that another program
wrote, and is taken as it is (text if it is valid UTF-8).

    0xFF [epoch ":" offset] "\\n" u16 excluded { u16 length, id } u16 besides { u16 length, channel }
                                 u16 messages { u8 binary, u32 length, payload }

Everything is big endian. A storage object that keeps history puts the position in front of the body itself, in the
same atomic step that appends (see ``storage_objects``).
"""

import struct

from filtered_websocket.messages.message import Message, is_text
from filtered_websocket.messages.publication import Position, Publication

MARK = b"\xff"

_HEAD = MARK + b"\n"
_U16 = struct.Struct(">H")
_MESSAGE = struct.Struct(">BI")
_ONE = struct.Struct(">HHHBI")
"""No excluded ids, no channels besides, one message, and the head of that: nearly every publication."""


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
