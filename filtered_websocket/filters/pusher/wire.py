"""Pusher's packets: bytes in, a packet or an error that renders itself; text out."""

from typing import Any, NamedTuple

from filtered_websocket.messages import strict_json
from filtered_websocket.messages.strict_json import quote

MALFORMED, REFUSED = 4300, 4301
UNAUTHORIZED = 4009


class PusherError(Exception):
    """What a client is told when something is wrong, and whether it is closed.

    :param code: of `pusher:error`; 4000-4299 close
    :param channel: the channel concerned, if any
    :param status: not 0: it is a subscription that failed, with this status of HTTP's kind
    :param limit: the option that says how much it may have, which is counted
    """

    def __init__(self, code: int, message: str, channel: str = "", status: int = 0, limit: str = "") -> None:
        super().__init__(code, message)
        self.code, self.message, self.channel, self.status, self.limit = code, message, channel, status, limit

    @property
    def closes(self) -> bool:
        return not self.status and 4000 <= self.code < 4300

    @property
    def packet(self) -> str:
        if self.status:
            kind = "AuthError" if self.status == 401 else "SubscriptionError"
            data = dumps({"type": kind, "error": self.message, "status": self.status})
            return f'{{"event":"pusher:subscription_error","channel":{quote(self.channel)},"data":{data}}}'
        about = f',"channel":{quote(self.channel)}' if self.channel else ""
        data = dumps({"code": self.code, "message": self.message})
        return f'{{"event":"pusher:error"{about},"data":{data}}}'


class Packet(NamedTuple):
    """What a client says. ``data`` is any JSON value, None where there is none."""

    event: str
    data: Any
    channel: str


def decode(payload: bytes | bytearray) -> Packet:
    """The packet in a message.

    :raises PusherError: it is none
    """
    try:
        packet = strict_json.loads(payload)
    except ValueError:
        raise PusherError(MALFORMED, "JSON is wanted") from None
    if not isinstance(packet, dict) or not isinstance(packet.get("event"), str):
        raise PusherError(MALFORMED, 'a packet is wanted: {"event": string, "data": ...}')
    channel = packet.get("channel")
    if channel is not None and not isinstance(channel, str):
        raise PusherError(MALFORMED, "channel is to be a string")
    return Packet(packet["event"], packet.get("data"), channel or "")


def members_of(data: Any) -> dict[str, Any]:
    """The data of a packet that has to be an object; some clients send it as a string that holds one.

    :raises PusherError: it is none
    """
    if isinstance(data, str):
        try:
            data = strict_json.loads(data)
        except ValueError:
            data = None
    if not isinstance(data, dict):
        raise PusherError(MALFORMED, "data is to be an object")
    return data


def dumps(value: Any) -> str:
    """JSON. Raises PusherError for what JSON.parse of a browser would not take: 1e999, or a nesting without end."""
    try:
        return strict_json.dumps(value)
    except ValueError:
        raise PusherError(MALFORMED, "JSON is wanted") from None


def established(socket_id: str, activity_timeout: int) -> str:
    data = dumps({"socket_id": socket_id, "activity_timeout": activity_timeout})
    return f'{{"event":"pusher:connection_established","data":{quote(data)}}}'


PONG = '{"event":"pusher:pong","data":"{}"}'


def event_for_one(event: str, data: str) -> str:
    """An event that is of no channel.

    :param data: JSON
    """
    return f'{{"event":{quote(event)},"data":{quote(data)}}}'


def internal(event: str, channel: str, data: str) -> str:
    """One of the server's own packets about a channel.

    :param data: JSON
    """
    return f'{{"event":{quote(event)},"channel":{quote(channel)},"data":{quote(data)}}}'


def event(name: str, channel: str, data: str) -> str:
    """An event published by HTTP: its data is a string, and stays as it was posted."""
    return f'{{"event":{quote(name)},"channel":{quote(channel)},"data":{quote(data)}}}'


def client_event(packet: Packet, user_id: str) -> str:
    """A client's event: its data is any JSON value.

    :param user_id: the true one, "" where there is none
    """
    sender = f',"user_id":{quote(user_id)}' if user_id else ""
    return f'{{"event":{quote(packet.event)},"channel":{quote(packet.channel)},"data":{dumps(packet.data)}{sender}}}'


def signed_in(user_data: str) -> str:
    return f'{{"event":"pusher:signin_success","data":{quote(dumps({"user_data": user_data}))}}}'


def member(user_id: str, info: str) -> str:
    """A member of a presence channel.

    :param info: user_info as JSON
    """
    about = f',"user_info":{info}' if info != "null" else ""
    return f'{{"user_id":{quote(user_id)}{about}}}'


def presence(members: dict[str, str]) -> str:
    """The members of a presence channel: user id -> user_info as JSON."""
    ids = ",".join(map(quote, members))
    entries = ",".join(f"{quote(user_id)}:{info}" for user_id, info in members.items())
    return f'{{"presence":{{"count":{len(members)},"ids":[{ids}],"hash":{{{entries}}}}}}}'
