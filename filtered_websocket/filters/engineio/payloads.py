"""The bodies of polling: packets joined to a payload, as Engine.IO 3 and 4 join them, and taken apart again."""

import base64
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from filtered_websocket.filters.engineio.packets import BINARY_MESSAGE, Malformed, decode_text
from filtered_websocket.messages.message import Message

_SEPARATOR = "\x1e"
_IN_ITS_PLACE = "\ufffd"
"""Engine.IO 4 cannot carry its separator in a text: a client could write packets to others that poll, and end them."""
_TEXT_FRAME, _BINARY_FRAME, _END_OF_LENGTH = b"\0", b"\1", b"\xff"


class Payload(NamedTuple):
    """The body of a polling answer.

    :ivar binary: binary frames are in it, for which HTTP has the type ``application/octet-stream``
    """

    body: bytes
    binary: bool = False


def decode_payload(body: bytes, protocol: int) -> Iterator[Message]:
    """The messages in the body of a POST, one at a time: half a million of them take 40 times what the body takes.

    :raises Malformed: it is no payload
    """
    if protocol == 3 and body[:1] in (_TEXT_FRAME, _BINARY_FRAME):
        yield from _frames_of_3(body)
        return
    text = _text(body)
    for part in _parts_of_3(text) if protocol == 3 else _parts(text):
        yield decode_text(part, protocol)


def payload(messages: Sequence[Message], protocol: int, base64_only: bool = False) -> Payload:
    """The answer to a GET. A text alone is its own payload, of which there is no second copy."""
    if protocol != 3 and len(messages) == 1 and not messages[0][1] and b"\x1e" not in messages[0][0]:
        return Payload(messages[0][0])
    body = encode_payload(messages, protocol, base64_only)
    return Payload(body, True) if isinstance(body, bytes) else Payload(body.encode())


def encode_payload(messages: Sequence[Message], protocol: int, base64_only: bool = False) -> str | bytes:
    """The body of the answer to a GET: bytes if binary frames are in it.

    :param base64_only: the client cannot read bytes, and Engine.IO 3 has a form for it too; 4 has no other
    """
    if protocol != 3:
        return _SEPARATOR.join(["b" + _base64(data) if binary else _text_of_4(data) for data, binary in messages])
    if not base64_only and any(binary for _, binary in messages):
        return b"".join([_frame_of_3(data, binary) for data, binary in messages])
    parts = ["b4" + _base64(data) if binary else data.decode() for data, binary in messages]
    return "".join(f"{len(part.encode('utf-16-le')) // 2}:{part}" for part in parts)


def _text_of_4(data: bytes) -> str:
    return data.decode().replace(_SEPARATOR, _IN_ITS_PLACE)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Malformed("a payload is UTF-8") from None


def _frames_of_3(body: bytes) -> Iterator[Message]:
    """The packets of a binary payload: ``0|1``, the length in digits that are bytes, ``255``, and the packet."""
    at = 0
    while at < len(body):
        kind, digits = body[at : at + 1], body.find(_END_OF_LENGTH, at + 1, at + 12)
        length = body[at + 1 : digits]
        if kind not in (_TEXT_FRAME, _BINARY_FRAME) or digits < at + 2 or max(length) > 9:
            raise Malformed("a binary payload's packet has no length")
        begin = digits + 1
        at = begin + int("".join(map(str, length)))
        if at > len(body):
            raise Malformed("a packet's length is not what its payload says")
        packet = body[begin:at]
        if kind == _TEXT_FRAME:
            yield decode_text(_text(packet), 3)
        elif packet[:1] == BINARY_MESSAGE:
            yield packet[1:], True
        else:
            raise Malformed("a binary packet is a message")


def _frame_of_3(data: bytes, binary: bool) -> bytes:
    packet = BINARY_MESSAGE + data if binary else data
    length = bytes(map(int, str(len(packet))))
    return b"".join([_BINARY_FRAME if binary else _TEXT_FRAME, length, _END_OF_LENGTH, packet])


def _parts(text: str) -> Iterator[str]:
    at = 0
    while (end := text.find(_SEPARATOR, at)) >= 0:
        yield text[at:end]
        at = end + 1
    yield text[at:]


def _parts_of_3(text: str) -> Iterator[str]:
    """The packets of an Engine.IO 3 payload: ``<length in UTF-16 units>:<packet>`` repeated."""
    units, at = text.encode("utf-16-le"), 0
    if not units:
        raise Malformed("a payload without a packet")
    while at < len(units):
        colon = units.find(b":\0", at, at + 20)
        while colon >= 0 and (colon - at) % 2:
            colon = units.find(b":\0", colon + 1, at + 20)
        length = units[at:colon].decode("utf-16-le", "replace") if colon >= 0 else ""
        end = colon + 2 + 2 * int(length) if length.isascii() and length.isdigit() else len(units) + 1
        if end > len(units):
            raise Malformed("a packet's length is not what its payload says")
        try:
            part = units[colon + 2 : end].decode("utf-16-le")
        except UnicodeDecodeError:
            raise Malformed("a packet's length splits a character") from None
        yield part
        at = end


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
