"""What the pack keeps for one pipeline: `pipeline.pusher`."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from filtered_websocket.filters.base import start
from filtered_websocket.filters.pusher import hooks, wire
from filtered_websocket.filters.pusher.apps import App, Apps
from filtered_websocket.presence import Presence
from filtered_websocket.webhooks import Posts, Webhooks

_log = Logger()


def key_of(app: App, channel: str) -> str:
    """A channel's name in the hub and in the storage object: apps may have channels of equal names."""
    return f"{app.id}:{channel}"


def control_of(app: App, user_id: str) -> str:
    """The channel over which a user's connections are ended. No channel of an app begins like it."""
    return f"!{app.id}:{user_id}"


class State:
    """
    :ivar apps: the apps
    :ivar presence: the members of presence channels
    """

    apps: Apps
    _options: Any = None

    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline
        self.storage = pipeline.storage_object
        self.reactor = pipeline.server.reactor
        self.presence = Presence(self.storage, self._joined, self._left)
        self.webhooks = Webhooks(self.reactor, pipeline.server.counters, False, Posts.of(pipeline.server))
        pipeline.member_left.append(self._member_left)
        pipeline.member_returned.append(self._member_returned)
        pipeline.vacated.append(self._vacated)

    @classmethod
    def of(cls, pipeline: Any) -> "State":
        """The state of a pipeline, in keeping with its options: a reload gives it others, and starts no pack anew."""
        state: State = pipeline.__dict__.get("pusher") or cls(pipeline)
        if state._options is not pipeline.options:
            state._take(pipeline.options)
            pipeline.pusher = state
        return state

    def _take(self, options: Any) -> None:
        self.apps = Apps(options.pusher_apps, self.storage, self.reactor)
        self.webhooks.private = options.pusher_webhook_private
        self._options = options

    # Occupied and vacated.

    async def count(self, app: App, channel: str) -> None:
        """Tell the storage object how many subscribers a channel has on this node, and hooks of an edge."""
        key = key_of(app, channel)
        edge = await self.storage.track(key, len(self.pipeline.hub.subscribers(key)))
        if edge:
            self.tell(app, {"name": "channel_occupied" if edge > 0 else "channel_vacated", "channel": channel})

    def _vacated(self, key: str) -> None:
        ident, _, channel = key.partition(":")
        app = self.apps.get(ident)
        if app is not None:
            self.tell(app, {"name": "channel_vacated", "channel": channel})

    # Members.

    def _joined(self, key: str, user_id: str, info: str, holder: str) -> Deferred[Any]:
        ident, _, channel = key.partition(":")
        app = self.apps.get(ident)
        if app is not None:
            self.tell(app, {"name": "member_added", "channel": channel, "user_id": user_id})
        packet = wire.internal("pusher_internal:member_added", channel, wire.member(user_id, info))
        return self.pipeline.publish(key, packet, exclude=holder or None)

    def _left(self, key: str, user_id: str, info: str) -> Deferred[Any]:
        ident, _, channel = key.partition(":")
        app = self.apps.get(ident)
        if app is not None:
            self.tell(app, {"name": "member_removed", "channel": channel, "user_id": user_id})
        packet = wire.internal("pusher_internal:member_removed", channel, wire.member(user_id, "null"))
        return self.pipeline.publish(key, packet)

    def _member_left(self, key: str, user_id: str, info: str) -> None:
        gone = start(self.presence.gone(key, user_id, info))
        gone.addErrback(lambda failure: _log.failure("a member's leave could not be told", failure))

    def _member_returned(self, key: str, user_id: str, info: str) -> None:
        # Others were told that this user had left, while this node was cut off from the storage.
        self._joined(key, user_id, info, "")

    # Web hooks.

    def tell(self, app: App, event: dict[str, str]) -> None:
        """Tell an app's hooks of an event."""
        if app.webhooks:
            size = sum(len(value) for value in event.values())
            self.webhooks.tell(app.webhooks, event, hooks.renderer(app), app.id, most=hooks.MOST, size=size)

    def stop(self) -> None:
        self.webhooks.stop()
        self.pipeline.member_left.remove(self._member_left)
        self.pipeline.member_returned.remove(self._member_returned)
        self.pipeline.vacated.remove(self._vacated)
