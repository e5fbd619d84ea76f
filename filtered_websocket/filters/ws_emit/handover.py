"""What a session leaves to the one that goes on with it, here or on another node."""

import base64
import hashlib
from typing import Any, NamedTuple

from filtered_websocket.messages.message import Message


class Estate(NamedTuple):
    """What a session leaves to its heir.

    :ivar connected: whether the client is connected to ``/``
    :ivar rooms: the channels of the hub that it was in
    :ivar messages: what it was not yet sent
    :ivar attachments: how many are due, of a packet whose text has come
    :ivar acknowledge: the id that this packet wants acknowledged
    """

    sid: str
    protocol: int
    connected: bool = False
    rooms: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    attachments: int = 0
    acknowledge: int | None = None

    def as_json(self) -> dict[str, Any]:
        """In values that JSON can hold."""
        return self._asdict() | {"messages": [_packed(*message) for message in self.messages]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Estate":
        """What `as_json` gave."""
        messages = tuple(_unpacked(*message) for message in values["messages"])
        return cls(**(values | {"messages": messages, "rooms": tuple(values["rooms"])}))


def _packed(payload: bytes, binary: bool) -> tuple[str, bool]:
    return (base64.b64encode(payload).decode() if binary else payload.decode()), binary


def _unpacked(text: str, binary: bool) -> Message:
    return (base64.b64decode(text) if binary else text.encode()), binary


def id_of(sid: str, protocol: int) -> str:
    """The Socket.IO id of a session, the same on every node.

    It is not the sid, which is the key to a polling session, but with Engine.IO 3, whose clients take the one for the
    other.
    """
    if protocol == 3:
        return sid
    return base64.urlsafe_b64encode(hashlib.sha256(sid.encode()).digest()[:15]).decode()
