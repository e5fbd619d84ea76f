"""Socket.IO packets, version 5, and 4 on Engine.IO 3.

A coding of our own, not python-socketio's: an emission is one JSON text for all its receivers, where that package makes
packet objects, one per client.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from filtered_websocket.filters.engineio.packets import MAX_ECHO, Malformed
from filtered_websocket.filters.engineio.strict_json import dumps, loads
from filtered_websocket.messages import strict_json
from filtered_websocket.messages.message import Message

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)

_PACKET = re.compile(r"([0-6])(?:([0-9]{1,9})-)?(?:(/[^,]*)(?:,|$))?([0-9]{1,15})?(.*)", re.DOTALL)


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
    data = loads(rest) if rest else None
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
    value = [name, *arguments]
    try:
        return ((("42" + strict_json.dumps(value)).encode(), False),)
    except TypeError:
        pass  # there are bytes in it, or what is no JSON
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from None
    attachments: list[bytes] = []
    text = dumps(take_out(value, attachments))
    return (f"45{len(attachments)}-{text}".encode(), False), *((each, True) for each in attachments)


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
