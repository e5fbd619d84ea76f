"""The channels of a session that comes from another transport, maybe from another node.

What is published to them while it is under way is kept here, and follows what the session brings along. It was
published behind the ``take``, which this node hears as well (`takeovers`): what came before is with the session.
"""

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.filters.engineio.takeovers import Takeover
from filtered_websocket.messages.batch import Batch


class Arrival:
    """In the channels in place of the connection, until that may have what is published.

    :ivar takeover: when it is under way
    """

    direct = None

    def __init__(self, connection: Connection) -> None:
        self.id = connection.id
        self.channels: set[str] = set()
        self.takeover: Takeover | None = None
        self._connection = connection
        self._kept: list[tuple[Batch, str]] = []

    async def enter(self, channels: list[str]) -> None:
        """Be in these channels, and hear what is published to them."""
        for channel in channels:
            await self._connection.pipeline.subscribe(channel, self)

    def deliver(self, batch: Batch, policy: str) -> None:
        if self.takeover is not None and self.takeover.begun:
            self._kept.append((batch, policy))

    def finish(self, blob: bytes, sent: int) -> None:
        """Nothing is ever sent directly."""

    def leave(self) -> None:
        """It does not come after all."""
        for channel in tuple(self.channels):
            self._connection.pipeline.unsubscribe(channel, self)

    def complete(self) -> None:
        """The connection takes its place."""
        for channel in tuple(self.channels):
            self._connection.subscribe(channel)
        for batch, policy in self._kept:
            self._connection.deliver(batch, policy)
