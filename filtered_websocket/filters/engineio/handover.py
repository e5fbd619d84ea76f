"""What a session hands over to the one that goes on with it, here or on another node."""

import base64
import hashlib
from collections.abc import Collection
from typing import Any, NamedTuple

from filtered_websocket.messages.message import Message


class Handover(NamedTuple):
    """What a session leaves to its successor.

    :ivar messages: what the client was not yet sent
    :ivar application: the state of what runs on the session, in values that JSON can hold
    :ivar ended: the session has ended: the messages are its last words, and nothing goes on
    """

    sid: str
    protocol: int
    messages: tuple[Message, ...]
    application: dict[str, Any]
    ended: bool = False

    def as_json(self) -> dict[str, Any]:
        """In values that JSON can hold."""
        return self._asdict() | {"messages": [_packed(*message) for message in self.messages]}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Handover":
        """What `as_json` gave."""
        return cls(**(values | {"messages": tuple(_unpacked(*message) for message in values["messages"])}))


class Missed(NamedTuple):
    """What was published while a session was on its way here.

    :ivar channels: of the hub
    :ivar skip: ids of clients that get nothing
    """

    channels: Collection[str]
    messages: tuple[Message, ...]
    skip: Collection[str]


def _packed(payload: bytes, binary: bool) -> tuple[str, bool]:
    return (base64.b64encode(payload).decode() if binary else payload.decode()), binary


def _unpacked(text: str, binary: bool) -> Message:
    return (base64.b64decode(text) if binary else text.encode()), binary


def id_of(sid: str, protocol: int) -> str:
    """The id that filters and programs call a client by, the same on every node.

    It is not the sid, which is the key to a polling session. With Engine.IO 3 it is, since its clients take the one for
    the other.
    """
    if protocol == 3:
        return sid
    return base64.urlsafe_b64encode(hashlib.sha256(sid.encode()).digest()[:15]).decode()
