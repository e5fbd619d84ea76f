"""Packets of Engine.IO 3 and 4 and of Socket.IO 5 (4 on Engine.IO 3): bytes in, packets out, and back.

A message is ``(payload, is_binary)`` as a WebSocket of Engine.IO 4 carries it, whatever carries it here. A coding of
our own, not python-engineio's and python-socketio's: an emission is one JSON text for all its receivers, where theirs
make packet objects, one per client, and refuse more than 16 packets in a payload.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, NoReturn

from filtered_websocket.messages.message import Message

MAX_PAYLOAD = 1_000_000
"""Bytes of the largest polling payload, as told in the handshake."""

MAX_ECHO = 255
"""Characters of a client's own that an answer repeats; more would have it send what is large to other nodes."""

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"
CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)

NOOP_MESSAGE: Message = (NOOP.encode(), False)
CLOSE_MESSAGE: Message = (CLOSE.encode(), False)

PING_INTERVAL, PING_TIMEOUT = 25, 20
"""Seconds, as told in the handshake."""

_SEPARATOR = "\x1e"
_PACKET = re.compile(r"([0-6])(?:([0-9]{1,9})-)?(?:(/[^,]*)(?:,|$))?([0-9]{1,15})?(.*)", re.DOTALL)


class Malformed(ValueError):  # noqa: N818 - what it is
    """What no client of the protocol sends, or no program writes on the bus: a few words say which rule it breaks."""


class Packet(NamedTuple):
    """A Socket.IO packet.

    :ivar type: `CONNECT` to `BINARY_ACK`
    :ivar namespace: ``/`` where none is written
    :ivar id: of the acknowledgement wanted, None for none
    :ivar data: the JSON value, None for none
    :ivar attachments: how many binary messages follow that belong to it
    """

    type: int
    namespace: str
    id: int | None
    data: Any
    attachments: int


def decode(text: str) -> Packet:
    """The Socket.IO packet in an Engine.IO message, without its type's digit.

    :raises Malformed: it is none
    """
    match = _PACKET.fullmatch(text)
    if match is None:
        raise Malformed("not a Socket.IO packet")
    kind, attachments, namespace, number, rest = match.groups()
    binary = int(kind) in (BINARY_EVENT, BINARY_ACK)
    if binary != (attachments is not None):
        raise Malformed("a binary packet has a number of attachments, and no other has")
    data = _loads(rest) if rest else None
    if int(kind) in (EVENT, BINARY_EVENT, ACK, BINARY_ACK) and not isinstance(data, list):
        raise Malformed("the payload of an event is a JSON array")
    name = (namespace or "/").partition("?")[0]
    if len(name) > MAX_ECHO:
        raise Malformed("a namespace of more than people name")
    return Packet(int(kind), name, None if number is None else int(number), data, int(attachments or 0))


def connected(sid: str, protocol: int) -> Message:
    """The answer to a client that has connected to ``/``."""
    return (b"40" if protocol == 3 else b'40{"sid":"%b"}' % sid.encode()), False


def refused(namespace: str, protocol: int) -> Message:
    """The answer to a client that wants another namespace."""
    reason: Any = "Unable to connect"
    return f"44{namespace},{dumps(reason if protocol == 3 else {'message': reason})}".encode(), False


def acknowledged(number: int) -> Message:
    return b"43%d[]" % number, False


def event(name: str, arguments: Sequence[Any]) -> tuple[Message, ...]:
    """An event, and its attachments behind it: bytes anywhere in the arguments.

    :raises Malformed: what JSON cannot hold
    """
    attachments: list[bytes] = []
    taken = take_out([name, *arguments], attachments)
    head = f"45{len(attachments)}-" if attachments else "42"
    return ((head + dumps(taken)).encode(), False), *((each, True) for each in attachments)


def take_out(value: Any, attachments: list[bytes]) -> Any:
    """The same value with a placeholder for each bytes in it, which are appended to the attachments.

    :raises Malformed: it is nested too deeply
    """
    try:
        return _take_out(value, attachments)
    except RecursionError:
        raise Malformed("nested too deeply") from None


def _take_out(value: Any, attachments: list[bytes]) -> Any:
    if isinstance(value, (list, tuple)):
        return [_take_out(each, attachments) for each in value]
    if isinstance(value, dict):
        return {key: _take_out(each, attachments) for key, each in value.items()}
    if isinstance(value, (bytes, bytearray)):
        attachments.append(bytes(value))
        return {"_placeholder": True, "num": len(attachments) - 1}
    return value


def put_in(value: Any, attachments: Sequence[bytes]) -> Any:
    """The opposite of `take_out`.

    :raises Malformed: a placeholder of no attachment
    """
    if isinstance(value, list):
        return [put_in(each, attachments) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("_placeholder") is True:
        number = value.get("num")
        if type(number) is not int or not 0 <= number < len(attachments):
            raise Malformed("a placeholder of no attachment")
        return attachments[number]
    return {key: put_in(each, attachments) for key, each in value.items()}


# Payloads of polling.


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
    if protocol != 3 and len(messages) == 1 and not messages[0][1]:
        return Payload(messages[0][0])
    body = encode_payload(messages, protocol, base64_only)
    return Payload(body, True) if isinstance(body, bytes) else Payload(body.encode())


def encode_payload(messages: Sequence[Message], protocol: int, base64_only: bool = False) -> str | bytes:
    """The body of the answer to a GET: bytes if binary frames are in it.

    :param base64_only: the client cannot read bytes, and Engine.IO 3 has a form for it too; 4 has no other
    """
    if protocol != 3:
        return _SEPARATOR.join(["b" + _base64(data) if binary else data.decode() for data, binary in messages])
    if not base64_only and any(binary for _, binary in messages):
        return b"".join([_frame_of_3(data, binary) for data, binary in messages])
    parts = ["b4" + _base64(data) if binary else data.decode() for data, binary in messages]
    return "".join(f"{len(part.encode('utf-16-le')) // 2}:{part}" for part in parts)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Malformed("a payload is UTF-8") from None


_TEXT_FRAME, _BINARY_FRAME, _END_OF_LENGTH = b"\0", b"\1", b"\xff"
BINARY_MESSAGE = b"\4"
"""What bytes of Engine.IO 3 begin with, on a WebSocket too: the type of the packet, message."""


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


def decode_text(part: str, protocol: int) -> Message:
    """The message in a packet that came as text: in base64 it is bytes, on a WebSocket too.

    :raises Malformed: it is no base64
    """
    if not part.startswith("b"):
        return part.encode(), False
    if protocol == 3 and part[1:2] != MESSAGE:
        raise Malformed("a binary packet is a message")
    return from_base64(part[2 if protocol == 3 else 1 :]), True


_STANDARD = str.maketrans("-_", "+/", "\t\n\r ")


def from_base64(text: str) -> bytes:
    """The bytes in base64 of either alphabet; line ends (Java's) and a missing padding do no harm, as in Node.js.

    :raises Malformed: it is none
    """
    digits = text.translate(_STANDARD).rstrip("=")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("a binary packet is base64") from None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# JSON.


def dumps(value: Any) -> str:
    """JSON of ASCII characters only: it can hold lone surrogates, UTF-8 cannot.

    :raises Malformed: what JSON cannot hold
    """
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None


def _loads(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise Malformed("the payload of a packet is JSON") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
