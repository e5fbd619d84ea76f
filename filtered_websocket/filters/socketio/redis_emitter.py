"""What Node's ``@socket.io/redis-emitter`` writes, and what the Redis adapter of Node's servers does to others.

    KEY#NAMESPACE# or KEY#NAMESPACE#ROOM#   MessagePack of [uid, {"type": 2, "data": [event, ...], "nsp"}, options]
    KEY-request#NAMESPACE#                  JSON:
        {"type": 2 | 3, "opts": options, "rooms": [str]}      enter rooms, leave rooms
        {"type": 4, "opts": options, "close": bool}           be disconnected
        {"type": 6, "data": [event, ...]}                     serverSideEmit
    options                                 {"rooms": [str], "except": [str], "flags": {"volatile": bool?}}

Other requests are those of servers among themselves, which want an answer: not for us.
"""

from datetime import datetime
from typing import Any, NamedTuple

from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.socketio.audience import Audience
from filtered_websocket.filters.socketio.packets import BINARY_EVENT, EVENT
from filtered_websocket.messages import strict_json

try:
    import msgpack
except ImportError:
    msgpack = None  # an extra of the package


can_read = msgpack is not None


class Emission(NamedTuple):
    """An event for an audience.

    :ivar arguments: JSON values and bytes
    """

    audience: Audience
    event: str
    arguments: tuple[Any, ...]
    volatile: bool = False


class Change(NamedTuple):
    """Clients enter rooms, or leave them."""

    audience: Audience
    rooms: tuple[str, ...]
    enters: bool


class Disconnection(NamedTuple):
    """Clients are disconnected.

    :ivar close: their connections end too
    """

    audience: Audience
    close: bool


class ServerEvent(NamedTuple):
    """An event for servers."""

    namespace: str
    event: str
    arguments: tuple[Any, ...]


Request = Change | Disconnection | ServerEvent


def prefixes(key: str) -> tuple[str, str]:
    """What the names of the channels of emissions and of requests begin with."""
    return f"{key}#", f"{key}-request#"


def decode_emission(namespace_and_room: str, data: bytes) -> Emission | None:
    """An emission; None if it is for no such channel.

    :param namespace_and_room: the channel behind the prefix
    :raises Malformed: it is none
    """
    message = _unpacked(data)
    if not isinstance(message, list) or len(message) != 3:
        raise Malformed("no list of a name, a packet and options")
    packet, options = _of(dict, message[1]), message[2]
    namespace = _of(str, packet.get("nsp", "/"))
    if not namespace_and_room.startswith(f"{namespace}#"):
        return None
    if packet.get("type") not in (EVENT, BINARY_EVENT):
        raise Malformed("a packet that is no event")
    flags = _of(dict, _of(dict, options).get("flags") or {})
    event, arguments = _event(packet.get("data"))
    return Emission(_audience(namespace, options), event, arguments, flags.get("volatile") is True)


def decode_request(namespace: str, data: bytes) -> Request | None:
    """What a program wants of servers; None if that is nothing for us.

    :raises Malformed: it is none
    """
    try:
        request = _of(dict, strict_json.loads(data))
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None
    kind = request.get("type")
    if kind == 6 and "requestId" not in request:
        return ServerEvent(namespace, *_event(request.get("data")))
    if kind not in (2, 3, 4) or "opts" not in request:
        return None
    audience = _audience(namespace, request["opts"])
    if kind == 4:
        return Disconnection(audience, request.get("close") is True)
    return Change(audience, _names(request.get("rooms")), kind == 2)


def _unpacked(data: bytes) -> Any:
    try:
        return _with_texts_for_dates(msgpack.unpackb(data, timestamp=3, ext_hook=_no_extension))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Malformed(f"not MessagePack: {type(error).__name__}: {error}") from None


def _no_extension(code: int, _: bytes) -> Any:
    raise ValueError(f"an extension of type {code}")


def _with_texts_for_dates(value: Any) -> Any:
    """The same value, with the texts that JSON has for dates in JavaScript."""
    if isinstance(value, list):
        return [*map(_with_texts_for_dates, value)]
    if isinstance(value, dict):
        return {key: _with_texts_for_dates(each) for key, each in value.items()}
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def _audience(namespace: str, options: Any) -> Audience:
    options = _of(dict, options)
    return Audience(namespace, _names(options.get("rooms") or []), _names(options.get("except") or []))


def _event(data: Any) -> tuple[str, tuple[Any, ...]]:
    if not isinstance(data, list) or not data:
        raise Malformed("an event is a list: its name, and arguments")
    return _of(str, data[0]), tuple(data[1:])


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise Malformed("rooms are a list of texts")
    return tuple(dict.fromkeys(value))


def _of(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise Malformed(f"a {type(value).__name__} where a {kind.__name__} is due")
    return value
