"""What the pack keeps for one pipeline: `pipeline.pushi`."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.filters.pushi import hooks, keys, wire
from filtered_websocket.filters.pushi.apps import Apps
from filtered_websocket.filters.pushi.hooks import Webs
from filtered_websocket.filters.shared.endings import failed, under_way
from filtered_websocket.filters.shared.presence import Presence
from filtered_websocket.filters.shared.state import PackState
from filtered_websocket.filters.shared.webhooks.destinations import Webhooks
from filtered_websocket.filters.shared.webhooks.owed import Owed
from filtered_websocket.filters.shared.webhooks.posts import Posts

_log = Logger()

OWED = "pushi owed"
"""The map in the storage object of what hooks are owed."""


class State(PackState):
    """
    :ivar apps: the apps
    :ivar presence: the members of presence channels
    :ivar webs: where web hooks are registered
    :ivar owed: what hooks are owed by nodes that have stopped
    """

    attribute = "pushi"
    apps: Apps

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        self.storage = pipeline.storage_object
        self.reactor = pipeline.server.reactor
        self.presence = Presence(self.storage, self._joined, self._left)
        self.webhooks = Webhooks(self.reactor, pipeline.server.counters, False, Posts.of(pipeline.server))
        self.webs = Webs(self.storage, self.reactor)
        self.owed = Owed(self.storage, OWED, pipeline.server, self._take_over)
        self.listener: Any = None
        pipeline.member_left.append(self._member_left)
        pipeline.member_returned.append(self._member_returned)
        pipeline.settling.append(self._settle)

    def follow(self, options: Options) -> None:
        self.apps = Apps(options.pushi_apps, self.storage, self.reactor)
        self.webhooks.private = options.pushi_webhook_private
        if options.pushi_open_apps:
            _log.warn("UNSAFE: anybody can make apps (pushi_open_apps)")

    def _joined(self, key: str, user_id: str, data: str, holder: str) -> Deferred[Any]:
        return self._tell("pusher:member_added", key, data, holder)

    def _left(self, key: str, user_id: str, data: str) -> Deferred[Any]:
        return self._tell("pusher:member_removed", key, data, "")

    def _tell(self, event: str, key: str, data: str, holder: str) -> Deferred[Any]:
        split = keys.split(key, "/members:")
        assert split is not None
        published: Deferred[Any] = self.pipeline.publish(key, wire.member(event, split[1], data), holder or None)
        return published

    def _member_left(self, key: str, user_id: str, data: str) -> None:
        # The list of sockets is kept as presence too, and tells nobody.
        if keys.split(key, "/members:") is None:
            return
        self.under_way(start(self.presence.gone(key, user_id, data)))

    def _member_returned(self, key: str, user_id: str, data: str) -> None:
        # Others were told that this user had left, while this node was cut off from the storage.
        if keys.split(key, "/members:") is not None:
            self._joined(key, user_id, data, "")

    async def _take_over(self, record: dict[str, Any]) -> None:
        app = await self.apps.of_id(record["app"])
        for packet in record["events"]:
            if app is None:
                self.webhooks.dropped("the app or its hook is gone", record["app"])
            else:
                hooks.post(self, app, [record["url"]], packet)

    # The end.

    def under_way(self, step: Deferred[Any]) -> None:
        """Something that others are told of in the end."""
        under_way(step, self.pipeline.server).addErrback(failed)

    async def _settle(self) -> None:
        """Tell hooks what they are owed, as long as there is time, and leave the rest to others."""
        self.owed.stop()
        left = await self.webhooks.finish(self.pipeline.server.seconds_to_stop)
        await self.owed.hand_over(left, self.webhooks)

    def stop(self) -> None:
        self.owed.stop()
        self.webhooks.stop()
        self.pipeline.settling.remove(self._settle)
        self.pipeline.member_left.remove(self._member_left)
        self.pipeline.member_returned.remove(self._member_returned)
        if self.listener is not None:
            self.listener.stopListening()
