"""What carries a client: a WebSocket, as the pack knows it."""

from collections.abc import Sequence
from typing import Protocol

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.messages.message import Message


class Carrier(Connection, Protocol):
    """What carries a client, and is in the hub for it.

    :ivar channels: the hub's
    :ivar pinged: whether the server pings it, by frames
    """

    channels: set[str]
    pinged: bool

    def standing_still(self) -> bool:
        """Whether it cannot answer a ping now: a filter is awaited, or bytes wait for it."""

    def send_encoded(self, messages: Sequence[Message], behind: bool = True) -> None: ...
