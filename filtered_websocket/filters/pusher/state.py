"""What the pack keeps for one pipeline: `pipeline.pusher`."""

from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.filters.pusher import hooks, wire
from filtered_websocket.filters.pusher.apps import STORED, App, read_app
from filtered_websocket.filters.pusher.departures import Departures, Event
from filtered_websocket.filters.pusher.keys import key_of
from filtered_websocket.filters.shared.apps import Apps
from filtered_websocket.filters.shared.endings import failed, under_way
from filtered_websocket.filters.shared.presence import Presence
from filtered_websocket.filters.shared.state import PackState
from filtered_websocket.filters.shared.webhooks.destinations import Webhooks
from filtered_websocket.filters.shared.webhooks.owed import Owed
from filtered_websocket.filters.shared.webhooks.posts import Posts
from filtered_websocket.messages.message import utf8_size

OWED = "pusher owed"
"""The map in the storage object of what hooks are owed."""


class State(PackState):
    """
    :ivar apps: the apps
    :ivar presence: the members of presence channels
    :ivar owed: what hooks are owed, by this node and by those that have stopped
    """

    attribute = "pusher"
    apps: Apps[App]

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        self.storage = pipeline.storage_object
        self.reactor = pipeline.server.reactor
        self.presence = Presence(self.storage, self._joined, self._left)
        self.webhooks = Webhooks(self.reactor, pipeline.server.counters, False, Posts.of(pipeline.server))
        self.owed = Owed(self.storage, OWED, pipeline.server, self._take_over)
        self.departures = Departures(self, self.owed)
        pipeline.member_left.append(self._member_left)
        pipeline.member_returned.append(self._member_returned)
        pipeline.vacated.append(self._vacated)
        pipeline.settling.append(self._settle)

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

    def _joined(self, key: str, user_id: str, info: str, holder: str) -> Deferred[Any]:
        ident, _, channel = key.partition(":")
        app = self.apps.get(ident)
        if app is not None:
            self.departures.came(app, {"name": "member_added", "channel": channel, "user_id": user_id})
        packet = wire.internal("pusher_internal:member_added", channel, wire.member(user_id, info))
        return self.pipeline.publish(key, packet, exclude=holder or None)

    def _left(self, key: str, user_id: str, info: str) -> Deferred[Any]:
        ident, _, channel = key.partition(":")
        app = self.apps.get(ident)
        if app is not None:
            self.departures.left(app, {"name": "member_removed", "channel": channel, "user_id": user_id})
        packet = wire.internal("pusher_internal:member_removed", channel, wire.member(user_id, "null"))
        return self.pipeline.publish(key, packet)

    def _member_left(self, key: str, user_id: str, info: str) -> None:
        self.under_way(start(self.presence.gone(key, user_id, info)))

    def _member_returned(self, key: str, user_id: str, info: str) -> None:
        # Others were told that this user had left, while this node was cut off from the storage.
        self._joined(key, user_id, info, "")

    # Web hooks.

    def tell(self, app: App, event: Event, *urls: str) -> None:
        """Tell an app's hooks of an event, or only these."""
        if app.webhooks:
            size = sum(utf8_size(value) for value in event.values())
            self.webhooks.tell(urls or app.webhooks, event, hooks.renderer(app), app.id, most=hooks.MOST, size=size)

    async def _take_over(self, record: dict[str, Any]) -> None:
        app, url = await self.apps.of_id(record["app"]), record.get("url")
        for event in record["events"]:
            if app is None or (url is not None and url not in app.webhooks):
                self.webhooks.dropped("the app or its hook is gone", record["app"])
            elif url is not None:
                self.tell(app, event, url)
            elif not await self.departures.is_back(app, event):
                self.tell(app, event)

    # The end.

    def under_way(self, step: Deferred[Any]) -> None:
        """Something that others are told of in the end."""
        under_way(step, self.pipeline.server).addErrback(failed)

    async def _settle(self) -> None:
        """Tell hooks what they are owed, as long as there is time, and leave the rest to others."""
        server = self.pipeline.server
        self.owed.stop()
        await self.departures.finish(server.seconds_to_stop)
        await self.owed.hand_over(await self.webhooks.finish(server.seconds_to_stop), self.webhooks)

    def stop(self) -> None:
        self.owed.stop()
        self.webhooks.stop()
        self.pipeline.settling.remove(self._settle)
        self.pipeline.member_left.remove(self._member_left)
        self.pipeline.member_returned.remove(self._member_returned)
        self.pipeline.vacated.remove(self._vacated)
