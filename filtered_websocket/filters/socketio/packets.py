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

_EVENT = re.compile(r"2([0-9]{1,15})?(\[.*)", re.DOTALL)
"""What most packets are: an event in ``/``, without attachments."""


class Packet(NamedTuple):
    """A Socket.IO packet.

    :ivar type: `CONNECT` to `BINARY_ACK`
    :ivar namespace: ``/`` where none is written
    :ivar id: of the acknowledgement wanted, None for none
    :ivar data: the JSON value, None for none
    :ivar attachments: how many binary messages follow that belong to it
    :ivar query: what stands behind the namespace: a client of Socket.IO 2 says there what others say in the data
    """

    type: int
    namespace: str
    id: int | None
    data: Any
    attachments: int
    query: str = ""


def decode(text: str) -> Packet:
    """The Socket.IO packet in an Engine.IO message, without its type's digit.

    :raises Malformed: it is none
    """
    event = _EVENT.fullmatch(text)
    if event is not None:
        number, array = event.groups()
        return Packet(EVENT, "/", None if number is None else int(number), loads(array), 0)
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
    name, _, query = (namespace or "/").partition("?")
    if len(name) > MAX_ECHO:
        raise Malformed("a namespace of more than people name")
    return Packet(int(kind), name, None if number is None else int(number), data, int(attachments or 0), query)


class Encoded(NamedTuple):
    """A packet that is made once, for however many clients.

    :ivar head: what stands before the id of an acknowledgement
    """

    head: str
    body: str
    attachments: tuple[bytes, ...] = ()

    def messages(self, number: int | None = None) -> tuple[Message, ...]:
        """What is sent: a text, and the attachments behind it.

        :param number: the id of the acknowledgement that is wanted, or given; None for none
        """
        text = f"{self.head}{'' if number is None else number}{self.body}"
        message = text.encode(), False
        return (message, *((each, True) for each in self.attachments)) if self.attachments else (message,)


def encoded(kind: int, namespace: str, value: Any) -> Encoded:
    """A packet of any kind; an event or an acknowledgement with bytes anywhere in its value becomes a binary one.

    :param value: None for none
    :raises Malformed: what JSON cannot hold
    """
    where = "" if namespace == "/" else f"{namespace},"
    if value is None:
        return Encoded(f"4{kind}{where}", "")
    try:
        return Encoded(f"4{kind}{where}", strict_json.dumps(value))
    except TypeError:
        pass  # there are bytes in it, or what is no JSON
    except ValueError as error:
        raise Malformed(f"not JSON: {error}") from None
    attachments: list[bytes] = []
    body = dumps(take_out(value, attachments))
    kind = {EVENT: BINARY_EVENT, ACK: BINARY_ACK}[kind]
    return Encoded(f"4{kind}{len(attachments)}-{where}", body, tuple(attachments))


def connected(sid: str, protocol: int, namespace: str = "/", pid: str = "") -> Message:
    """The answer to a client that has connected.

    :param pid: by which it may go on with its session later; "" for none
    """
    if namespace == "/" and not pid:
        return (b"40" if protocol == 3 else b'40{"sid":"%b"}' % sid.encode()), False
    value = {"sid": sid, "pid": pid} if pid else {"sid": sid}
    return encoded(CONNECT, namespace, None if protocol == 3 else value).messages()[0]


def refused(namespace: str, protocol: int, reason: str = "Unable to connect", data: Any = None) -> Message:
    """The answer to a client that may not connect.

    :param data: what it is told beside the reason
    :raises Malformed: data that JSON cannot hold
    """
    value: Any
    if protocol == 3:
        value = reason if data is None else data
    else:
        value = {"message": reason} | ({} if data is None else {"data": data})
    return encoded(CONNECT_ERROR, namespace, value).messages()[0]


def disconnected(namespace: str) -> Message:
    """What a client is told that is put out of a namespace."""
    return encoded(DISCONNECT, namespace, None).messages()[0]


def acknowledged(number: int) -> Message:
    return b"43%d[]" % number, False


def event(name: str, arguments: Sequence[Any]) -> tuple[Message, ...]:
    """An event in ``/``, and its attachments behind it: bytes anywhere in the arguments.

    :raises Malformed: what JSON cannot hold
    """
    value = [name, *arguments]
    try:
        return ((("42" + strict_json.dumps(value)).encode(), False),)
    except (TypeError, ValueError):
        return encoded(EVENT, "/", value).messages()


_SENT_EVENT = re.compile(rb"4[25](?:[0-9]+-)?(?:/[^,]*,)?\[")


def is_event(messages: Sequence[Message]) -> bool:
    """Whether a packet is an event of which no acknowledgement is wanted."""
    return _SENT_EVENT.match(messages[0][0]) is not None


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

    :raises Malformed: a placeholder of no attachment, or nested too deeply
    """
    try:
        return _put_in(value, attachments)
    except RecursionError:
        raise Malformed("nested too deeply") from None


def _put_in(value: Any, attachments: Sequence[bytes]) -> Any:
    if isinstance(value, list):
        return [_put_in(each, attachments) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("_placeholder") is True:
        number = value.get("num")
        if type(number) is not int or not 0 <= number < len(attachments):
            raise Malformed("a placeholder of no attachment")
        return attachments[number]
    return {key: _put_in(each, attachments) for key, each in value.items()}
