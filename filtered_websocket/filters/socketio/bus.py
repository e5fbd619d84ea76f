"""The channels of Flask-SocketIO and python-socketio's managers: what they write, and what we write.

    {"method": "emit", "event": str, "data": any, "binary": bool?, "namespace": "/", "room": str | [str] | null,
     "skip_sid": str | [str] | null, "callback": [room, namespace, id] | null, "host_id": 32 hex digits}
    {"method": "close_room", "room": str, ...}
    {"method": "disconnect", "sid": str, ...}
    {"method": "enter_room" | "leave_room", "sid": str, "room": str, ...}
    {"method": "callback", "host_id", "sid": room, "namespace", "id", "args": [...]}     the answer to a callback

    python-socketio <= 5.13   a pickle of such a dict: data is the argument, a tuple is several
                       5.14   JSON: data is the argument
                       5.15   JSON with "binary": data is the argument; if binary, [with placeholders, base64 ...]
                    >= 5.16   JSON with "binary": data is a list of arguments; if binary, [such a list, base64 ...]

What we write has members more, which others pass over: "pipeline", the name of the pipeline that it is for, and
"logged", the pack whose log (`recovery`) has it too, so that what reads both does it once.

So: without "binary" data is one argument as it is; with it, a list is a list of arguments. We write the newest. No
argument and one that is null are the same to a client of python-socketio, and here: it gets none.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from filtered_websocket.filters.engineio import packets as engine_packets
from filtered_websocket.filters.engineio import strict_json
from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.socketio import packets as socket_packets
from filtered_websocket.filters.socketio import plain_pickle
from filtered_websocket.messages.strict_json import loads

CHANNEL = "flask-socketio"
CHANNELS = ("socketio", CHANNEL)
"""What python-socketio and Flask-SocketIO call theirs, if nothing is said."""
HOST_ID = uuid4().hex
"""The name of this server on the bus: python-socketio passes over what carries its own."""


class Callback(NamedTuple):
    """Where acknowledgements of an event go.

    :ivar host: the manager's name on the bus
    :ivar room: what the event was for, as the manager calls it
    :ivar id: the manager's number of it
    """

    host: str
    room: str
    namespace: str
    id: int


class Emit(NamedTuple):
    """An event for rooms.

    :ivar arguments: JSON values and bytes
    :ivar rooms: None for everybody
    :ivar skip: Socket.IO ids of clients that get nothing
    :ivar callback: None for no acknowledgements
    """

    event: str
    arguments: tuple[Any, ...]
    rooms: tuple[str, ...] | None = None
    skip: tuple[str, ...] = ()
    namespace: str = "/"
    callback: Callback | None = None


class CloseRoom(NamedTuple):
    """Everybody leaves a room."""

    room: str
    namespace: str = "/"


class Disconnect(NamedTuple):
    """A client is disconnected from the namespace."""

    sid: str
    namespace: str = "/"


class ChangeRoom(NamedTuple):
    """A client enters a room, or leaves it."""

    sid: str
    room: str
    enters: bool
    namespace: str = "/"


Order = Emit | CloseRoom | Disconnect | ChangeRoom


def encode(emit: Emit, pipeline: str, logged: str = "") -> bytes:
    """An emission as python-socketio 5.16 and later write it.

    :param pipeline: the name of the one whose clients are meant
    :param logged: the pack whose log has it too
    :raises Malformed: arguments that JSON cannot hold
    """
    attachments: list[bytes] = []
    data = socket_packets.take_out(list(emit.arguments) or [None], attachments)
    message = {
        "method": "emit",
        "event": emit.event,
        "data": [data, *(base64.b64encode(each).decode() for each in attachments)] if attachments else data,
        "binary": bool(attachments),
        "namespace": emit.namespace,
        "room": None if emit.rooms is None else emit.rooms[0] if len(emit.rooms) == 1 else list(emit.rooms),
        "skip_sid": list(emit.skip) or None,
        "callback": None,
        "host_id": HOST_ID,
        "pipeline": pipeline,
    } | ({"logged": logged} if logged else {})
    return strict_json.dumps(message).encode()


def encode_acknowledgement(callback: Callback, arguments: Sequence[Any]) -> bytes:
    """What a manager hears of a client's acknowledgement; those of every generation read JSON.

    :raises Malformed: arguments that JSON cannot hold, such as bytes
    """
    message = {
        "method": "callback",
        "host_id": callback.host,
        "sid": callback.room,
        "namespace": callback.namespace,
        "id": callback.id,
        "args": list(arguments),
    }
    return strict_json.dumps(message).encode()


def decode(
    data: bytes, pickles: bool, is_for: Callable[[Any], bool] = lambda _: True, option: str = "socketio_pickle"
) -> Order | None:
    """What a program on the bus wants; None if that is nothing for us.

    :param pickles: read pickles too
    :param is_for: whether what names this pipeline is for us; None where it names none
    :param option: by which pickles are read
    :raises Malformed: it is nothing of the above
    """
    return order_of(read(data, pickles, option), is_for)


def read(data: bytes, pickles: bool, option: str = "socketio_pickle") -> dict[str, Any]:
    """A message of a program.

    :param pickles: read pickles too
    :param option: by which pickles are read
    :raises Malformed: it is none
    """
    try:
        message = _read(data, pickles, option)
    except Malformed:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from None
    if not isinstance(message, dict):
        raise Malformed("not an object")
    return message


def is_logged(message: Mapping[str, Any], pack: str) -> bool:
    """Whether the log of a pack has it too."""
    return message.get("logged") == pack


def order_of(message: dict[str, Any], is_for: Callable[[Any], bool] = lambda _: True) -> Order | None:
    """What a message wants; None if that is nothing for us.

    :param is_for: whether what names this pipeline is for us; None where it names none
    :raises Malformed: it is nothing of the above
    """
    try:
        make = _METHODS.get(message.get("method", ""))
        return make(message) if make is not None and is_for(message.get("pipeline")) else None
    except Malformed:
        raise
    except (ValueError, TypeError, RecursionError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from None


def _read(data: bytes, pickles: bool, option: str) -> Any:
    if data.lstrip()[:1] in (b"{", b"["):
        return loads(data)
    if not pickles:
        raise Malformed(f"no JSON object; pickles are read with {option}")
    return plain_pickle.loads(data)


def _emit(message: dict[str, Any]) -> Order:
    event = _text(message, "event")
    data = message.get("data")
    several = isinstance(data, tuple)
    if message.get("binary"):
        if not isinstance(data, list) or not data or not all(isinstance(each, str) for each in data[1:]):
            raise Malformed("binary data is a list: the arguments, and base64")
        data = socket_packets.put_in(data[0], [engine_packets.from_base64(each) for each in data[1:]])
    if "binary" in message:
        several = isinstance(data, list)
    arguments = tuple(data) if several and data is not None else (data,)
    if arguments == (None,):
        arguments = ()
    rooms, skip = _rooms(message.get("room")), _names(message.get("skip_sid"))
    return Emit(event, arguments, rooms, skip, _namespace(message), _callback(message))


def _callback(message: dict[str, Any]) -> Callback | None:
    """As managers do: a callback that is none takes nothing from the event."""
    callback, host = message.get("callback"), message.get("host_id")
    if (
        not isinstance(callback, (list, tuple))
        or [*map(type, callback)] != [str, str, int]
        or not isinstance(host, str)
    ):
        return None
    return Callback(host, *callback)


def _close_room(message: dict[str, Any]) -> Order:
    return CloseRoom(_text(message, "room"), _namespace(message))


def _disconnect(message: dict[str, Any]) -> Order:
    return Disconnect(_text(message, "sid"), _namespace(message))


def _change_room(message: dict[str, Any]) -> Order:
    enters = message["method"] == "enter_room"
    return ChangeRoom(_text(message, "sid"), _text(message, "room"), enters, _namespace(message))


_METHODS: dict[Any, Callable[[dict[str, Any]], Order]] = {
    "emit": _emit,
    "close_room": _close_room,
    "disconnect": _disconnect,
    "enter_room": _change_room,
    "leave_room": _change_room,
}


def _text(message: dict[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise Malformed(f"{name} is no text")
    return value


def _namespace(message: dict[str, Any]) -> str:
    return "/" if message.get("namespace") is None else _text(message, "namespace")


def _rooms(value: Any) -> tuple[str, ...] | None:
    return None if value is None else _names(value)


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    names: Sequence[Any] = value if isinstance(value, (list, tuple)) else (value,)
    if not all(isinstance(name, str) for name in names):
        raise Malformed("rooms and sids are text")
    return tuple(dict.fromkeys(names))
