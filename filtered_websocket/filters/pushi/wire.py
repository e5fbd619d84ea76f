"""Pushi's packets: bytes in, a packet or an error that renders itself; text out."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from filtered_websocket.messages import strict_json
from filtered_websocket.messages.message import utf8_size
from filtered_websocket.messages.strict_json import quote, size

MAX_NAME = 180
"""Characters of a channel's name or a user's id: both stand in keys of the storage object."""
MAX_EVENT_NAME = 200

MALFORMED, REFUSED, UNAUTHORIZED = 4000, 4003, 4009


class PushiError(Exception):
    """What a client is told when something is wrong: on the channel concerned, since pushi-js fails on a packet without
    one. Where there is none, the connection is closed with the code.

    :param limit: the option that says how much it may have, which is counted
    """

    def __init__(self, code: int, message: str, channel: str = "", limit: str = "") -> None:
        super().__init__(code, message)
        self.code, self.message, self.channel, self.limit = code, message, channel, limit

    @property
    def packet(self) -> str:
        data = dumps({"code": self.code, "message": self.message})
        return internal("pusher_internal:subscription_error", self.channel, data)


class Packet(NamedTuple):
    """What a client says. ``data`` is any JSON value, "" where there is none."""

    event: str
    data: Any
    channel: str
    echo: bool
    persist: bool


def decode(payload: bytes | bytearray) -> Packet:
    """The packet in a message.

    :raises PushiError: it is none
    """
    try:
        packet = strict_json.loads(payload)
    except ValueError:
        raise PushiError(MALFORMED, "JSON is wanted") from None
    if not isinstance(packet, dict):
        raise PushiError(MALFORMED, "a JSON object is wanted")
    channel, event = packet.get("channel"), packet.get("event")
    if channel is None:
        channel = ""
    elif not isinstance(channel, str) or not is_name(channel):
        raise PushiError(MALFORMED, f"a channel's name has 1 to {MAX_NAME} characters")
    if not isinstance(event, str) or not event:
        raise PushiError(MALFORMED, "event is to be a string", channel)
    return Packet(event, packet.get("data", ""), channel, bool(packet.get("echo")), bool(packet.get("persist", True)))


def members_of(data: Any) -> dict[str, Any]:
    """The data of one of the pusher: packets: an object that names a channel.

    :raises PushiError: it is none
    """
    if not isinstance(data, dict) or not is_name(data.get("channel")):
        raise PushiError(MALFORMED, f"data is to be an object with a channel of 1 to {MAX_NAME} characters")
    return data


def is_name(name: object) -> bool:
    """Whether this can be a channel's name or a user's id."""
    return isinstance(name, str) and 0 < len(name) <= MAX_NAME


def number(value: Any, default: int, most: int) -> int:
    """One of the numbers of pusher:latest.

    :raises ValueError: it is none
    """
    if value is None:
        return default
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if type(value) is not int:
        raise ValueError
    return min(max(value, 0), most)


def dumps(value: Any) -> str:
    """JSON. Raises PushiError for what JSON.parse of a browser would not take: 1e999, or a nesting without end."""
    try:
        return strict_json.dumps(value)
    except ValueError:
        raise PushiError(MALFORMED, "JSON is wanted") from None


def text_of(data: Any) -> str:
    """An event's data as clients get it: a string, which holds JSON if it was none."""
    return data if isinstance(data, str) else dumps(data)


def exceeds(data: Any, text: str, most: int) -> bool:
    """Whether an event's data has more bytes than it may.

    :param text: the data as clients get it
    """
    # A character has at most four bytes. Escapes are not counted.
    return len(text) * 4 > most and (utf8_size(text) if isinstance(data, str) else size(data)) > most


def established(socket_id: str) -> str:
    return f'{{"event":"pusher:connection_established","data":{quote(dumps({"socket_id": socket_id}))}}}'


def internal(event: str, channel: str, data: str) -> str:
    """One of the server's own packets.

    :param data: JSON
    """
    return f'{{"event":{quote(event)},"channel":{quote(channel)},"data":{quote(data)}}}'


def about(name: str, members: Mapping[str, str], alias: Iterable[str], events: Iterable[str]) -> str:
    """A channel: what its own packets tell, as JSON.

    :param members: user id -> channel_data as JSON
    :param events: event records as JSON
    """
    entries = ",".join(f"{quote(user_id)}:{data}" for user_id, data in members.items())
    what = f'"alias":[{",".join(map(quote, alias))}],"events":[{",".join(events)}]'
    return f'{{"name":{quote(name)},"members":{{{entries}}},{what}}}'


def member(event: str, channel: str, channel_data: str) -> str:
    """A member that has come or gone. ``data`` is for the Python client, which fails where there is none."""
    data = quote(channel_data)
    return f'{{"event":{quote(event)},"channel":{quote(channel)},"member":{data},"data":{data}}}'


def live(packet: Mapping[str, Any]) -> str:
    """An event for a channel's subscribers."""
    return dumps(packet)
