"""What a pack of channels keeps for one pipeline: members that come and go, and web hooks, told until the end."""

from abc import ABC, abstractmethod
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.shared.endings import failed, under_way
from filtered_websocket.filters.shared.presence import Presence
from filtered_websocket.filters.shared.state import PackState
from filtered_websocket.filters.shared.webhooks.destinations import Webhooks
from filtered_websocket.filters.shared.webhooks.owed import Owed, Record
from filtered_websocket.filters.shared.webhooks.posts import Posts


class HookedState(PackState, ABC):
    """
    :param owed: the name of the map in the storage object that keeps what hooks are owed
    :ivar presence: the members of presence channels
    :ivar owed: what hooks are owed, by this node and by those that have stopped
    """

    def __init__(self, pipeline: Pipeline, owed: str) -> None:
        super().__init__(pipeline)
        server = pipeline.server
        self.storage = pipeline.storage_object
        self.reactor = server.reactor
        self.presence = Presence(self.storage, self.joined, self.left)
        self.webhooks = Webhooks(self.reactor, server.counters, False, Posts.of(server))
        self.owed = Owed(self.storage, owed, server, self.take_over)
        pipeline.member_left.append(self.member_left)
        pipeline.member_returned.append(self.member_returned)
        pipeline.settling.append(self.settle)

    # Members.

    @abstractmethod
    def joined(self, key: str, user_id: str, info: str, holder: str) -> Deferred[Any]:
        """Publish that a user is a member, to all but the connection that makes it one."""

    @abstractmethod
    def left(self, key: str, user_id: str, info: str) -> Deferred[Any]:
        """Publish that a user is no member any more."""

    def member_left(self, key: str, user_id: str, info: str) -> None:
        """The storage object says that nothing holds a member any more: the node that did is gone."""
        self.under_way(start(self.presence.gone(key, user_id, info)))

    def member_returned(self, key: str, user_id: str, info: str) -> None:
        """Others were told that a user had left, while this node was cut off from the storage."""
        self.joined(key, user_id, info, "")

    # The end.

    @abstractmethod
    async def take_over(self, record: Record) -> None:
        """Tell hooks what a node that has stopped owes them."""

    def under_way(self, step: Deferred[Any]) -> None:
        """Have the server's end wait for something that others are told of."""
        under_way(step, self.pipeline.server).addErrback(failed)

    async def settle(self) -> None:
        """Tell hooks what they are owed, as long as there is time, and leave the rest to others."""
        seconds = self.pipeline.server.seconds_to_stop
        self.owed.stop()
        await self.owed.hand_over(await self.webhooks.finish(seconds), self.webhooks)

    def stop(self) -> None:
        self.owed.stop()
        self.webhooks.stop()
        self.pipeline.settling.remove(self.settle)
        self.pipeline.member_left.remove(self.member_left)
        self.pipeline.member_returned.remove(self.member_returned)
