"""What the pack keeps for one pipeline: `pipeline.pusher`."""

from collections import Counter
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.filters.pusher import hooks, wire
from filtered_websocket.filters.pusher.apps import STORED, App, read_app
from filtered_websocket.filters.pusher.departures import Departures, Event
from filtered_websocket.filters.pusher.keys import key_of
from filtered_websocket.filters.shared.apps import Apps
from filtered_websocket.filters.shared.webhooks.owed import Record
from filtered_websocket.filters.shared.webhooks.state import HookedState
from filtered_websocket.messages.message import utf8_size

OWED = "pusher owed"
"""The map in the storage object of what hooks are owed."""


class State(HookedState):
    """
    :ivar apps: the apps
    :ivar sessions: how many connections each app has
    :ivar departures: what hooks are told after a while, unless it has become untrue
    """

    attribute = "pusher"
    apps: Apps[App]

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline, OWED)
        self.sessions: Counter[str] = Counter()
        self.departures = Departures(self, self.owed)
        pipeline.vacated.append(self._vacated)

    def follow(self, options: Options) -> None:
        self.apps = Apps(STORED, read_app, options.pusher_apps, self.storage, self.reactor)
        self.webhooks.private = options.pusher_webhook_private

    # Occupied and vacated.

    async def count(self, app: App, channel: str) -> None:
        """Tell the storage object how many subscribers a channel has on this node, and hooks of an edge."""
        key = key_of(app, channel)
        edge = await self.storage.track(key, len(self.pipeline.hub.subscribers(key)))
        if edge > 0:
            self.departures.came(app, {"name": "channel_occupied", "channel": channel})
        elif edge < 0:
            self.departures.left(app, {"name": "channel_vacated", "channel": channel})

    def _vacated(self, key: str) -> None:
        ident, _, channel = key.partition(":")
        app = self.apps.get(ident)
        if app is not None:
            self.departures.left(app, {"name": "channel_vacated", "channel": channel})

    # Members.

    def joined(self, key: str, user_id: str, info: str, holder: str) -> Deferred[Any]:
        ident, _, channel = key.partition(":")
        app = self.apps.get(ident)
        if app is not None:
            self.departures.came(app, {"name": "member_added", "channel": channel, "user_id": user_id})
        packet = wire.internal("pusher_internal:member_added", channel, wire.member(user_id, info))
        return self.pipeline.publish(key, packet, exclude=holder or None)

    def left(self, key: str, user_id: str, info: str) -> Deferred[Any]:
        ident, _, channel = key.partition(":")
        app = self.apps.get(ident)
        if app is not None:
            self.departures.left(app, {"name": "member_removed", "channel": channel, "user_id": user_id})
        packet = wire.internal("pusher_internal:member_removed", channel, wire.member(user_id, "null"))
        return self.pipeline.publish(key, packet)

    # Web hooks.

    def tell(self, app: App, event: Event, *urls: str) -> None:
        """Tell an app's hooks of an event, or only these."""
        if app.webhooks:
            size = sum(utf8_size(value) for value in event.values())
            self.webhooks.tell(urls or app.webhooks, event, hooks.renderer(app), app.id, most=hooks.MOST, size=size)

    async def take_over(self, record: Record) -> None:
        app, url = await self.apps.of_id(record["app"]), record.get("url")
        for event in record["events"]:
            if app is None or (url is not None and url not in app.webhooks):
                self.webhooks.dropped("the app or its hook is gone", record["app"])
            elif url is not None:
                self.tell(app, event, url)
            elif not await self.departures.is_back(app, event):
                self.tell(app, event)

    # The end.

    async def settle(self) -> None:
        self.owed.stop()
        await self.departures.finish(self.pipeline.server.seconds_to_stop)
        await super().settle()

    def stop(self) -> None:
        super().stop()
        self.pipeline.vacated.remove(self._vacated)
