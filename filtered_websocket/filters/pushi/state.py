"""What the pack keeps for one pipeline: `pipeline.pushi`."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.filters.pushi import hooks, keys, wire
from filtered_websocket.filters.pushi.apps import Apps
from filtered_websocket.filters.pushi.hooks import Webs
from filtered_websocket.filters.shared.webhooks.owed import Record
from filtered_websocket.filters.shared.webhooks.state import HookedState

_log = Logger()

OWED = "pushi owed"
"""The map in the storage object of what hooks are owed."""


class State(HookedState):
    """
    :ivar apps: the apps
    :ivar webs: where web hooks are registered
    """

    attribute = "pushi"
    apps: Apps

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline, OWED)
        self.webs = Webs(self.storage, self.reactor)
        self.listener: Any = None

    def follow(self, options: Options) -> None:
        self.apps = Apps(options.pushi_apps, self.storage, self.reactor)
        self.webhooks.private = options.pushi_webhook_private
        if options.pushi_open_apps:
            _log.warn("UNSAFE: anybody can make apps (pushi_open_apps)")

    def joined(self, key: str, user_id: str, info: str, holder: str) -> Deferred[Any]:
        return self._tell("pusher:member_added", key, info, holder)

    def left(self, key: str, user_id: str, info: str) -> Deferred[Any]:
        return self._tell("pusher:member_removed", key, info, "")

    def _tell(self, event: str, key: str, data: str, holder: str) -> Deferred[Any]:
        split = keys.split(key, "/members:")
        assert split is not None
        published: Deferred[Any] = self.pipeline.publish(key, wire.member(event, split[1], data), holder or None)
        return published

    def member_left(self, key: str, user_id: str, info: str) -> None:
        # The list of sockets is kept as presence too, and is told to no client.
        if keys.split(key, "/members:") is not None:
            super().member_left(key, user_id, info)

    def member_returned(self, key: str, user_id: str, info: str) -> None:
        if keys.split(key, "/members:") is not None:
            super().member_returned(key, user_id, info)

    async def take_over(self, record: Record) -> None:
        app = await self.apps.of_id(record["app"])
        for packet in record["events"]:
            if app is None:
                self.webhooks.dropped("the app or its hook is gone", record["app"])
            else:
                hooks.post(self, app, [record["url"]], packet)

    # The end.

    def stop(self) -> None:
        super().stop()
        if self.listener is not None:
            self.listener.stopListening()
