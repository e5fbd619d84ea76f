"""WSPS packets: bytes in, a packet or the close that answers them; a packet in, text out. Knows no connection."""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from filtered_websocket.errors import Close
from filtered_websocket.messages.strict_json import dumps, loads, quote

SUBSCRIBE, PUBLISH = "subscribe", "publish"


class Refused(Close):
    """What is wrong with a packet, as the close that tells it: raised in a filter, it ends the connection."""

    def __init__(self, reason: str, code: int = 1002) -> None:
        super().__init__(code, reason)


class Packet(NamedTuple):
    """A packet of a client.

    :ivar type: `SUBSCRIBE` or `PUBLISH`
    :ivar key: whatever JSON value stands there, None if there is none
    :ivar members: all members as received
    """

    type: str
    channel: str
    key: Any
    members: dict[str, Any]


def decode(payload: bytes | bytearray, allows: Callable[[str], bool]) -> Packet:
    """The packet in a message.

    :param allows: whether there may be a channel of this name
    :raises Refused: the first that applies of what the package's docstring lists
    """
    try:
        members = loads(payload)
    except ValueError:
        raise Refused("Invalid message") from None
    if not isinstance(members, dict) or "channel" not in members:
        raise Refused("Invalid message")
    channel = members["channel"]
    if not isinstance(channel, str) or not allows(channel):
        raise Refused("Invalid channel")
    if "type" not in members:
        raise Refused("Invalid message")
    kind = members["type"]
    if kind not in (SUBSCRIBE, PUBLISH):
        raise Refused("Invalid message type")
    return Packet(kind, channel, members.get("key"), members)


def encode(packet: Packet) -> str:
    """The message that a publish packet becomes.

    :raises Refused: a number that JSON cannot hold once it is read (1e999)
    """
    try:
        members = [
            f"{quote(name)}:{quote(value) if type(value) is str else dumps(value)}"
            for name, value in {**packet.members, "type": "message"}.items()
            if name != "key"
        ]
    except ValueError:
        raise Refused("Invalid message") from None
    return f"{{{','.join(members)}}}"


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns is this name or matches it: `?` one character, `*` any, `[ab]` one of these."""
    return any(pattern in ("*", name) or fnmatchcase(name, pattern) for pattern in patterns)
