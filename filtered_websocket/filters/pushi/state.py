"""What the pack keeps for one pipeline: `pipeline.pushi`."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from filtered_websocket.filters.base import start
from filtered_websocket.filters.pushi import keys, wire
from filtered_websocket.filters.pushi.apps import Apps
from filtered_websocket.filters.pushi.hooks import Webs
from filtered_websocket.presence import Presence
from filtered_websocket.webhooks import Posts, Webhooks

_log = Logger()


class State:
    """
    :ivar apps: the apps
    :ivar presence: the members of presence channels
    :ivar webs: where web hooks are registered
    """

    apps: Apps
    _options: Any = None

    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline
        self.storage = pipeline.storage_object
        self.reactor = pipeline.server.reactor
        self.presence = Presence(self.storage, self._joined, self._left)
        self.webhooks = Webhooks(self.reactor, pipeline.server.counters, False, Posts.of(pipeline.server))
        self.webs = Webs(self.storage, self.reactor)
        self.listener: Any = None
        pipeline.member_left.append(self._member_left)
        pipeline.member_returned.append(self._member_returned)

    @classmethod
    def of(cls, pipeline: Any) -> "State":
        """The state of a pipeline, in keeping with its options: a reload gives it others, and starts no pack anew."""
        state: State = pipeline.__dict__.get("pushi") or cls(pipeline)
        if state._options is not pipeline.options:
            state._take(pipeline.options)
            pipeline.pushi = state
        return state

    def _take(self, options: Any) -> None:
        self.apps = Apps(options.pushi_apps, self.storage, self.reactor)
        self.webhooks.private = options.pushi_webhook_private
        self._options = options
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
        gone = start(self.presence.gone(key, user_id, data))
        gone.addErrback(lambda failure: _log.failure("a member's leave could not be told", failure))

    def _member_returned(self, key: str, user_id: str, data: str) -> None:
        # Others were told that this user had left, while this node was cut off from the storage.
        if keys.split(key, "/members:") is not None:
            self._joined(key, user_id, data, "")

    def stop(self) -> None:
        self.webhooks.stop()
        self.pipeline.member_left.remove(self._member_left)
        self.pipeline.member_returned.remove(self._member_returned)
        if self.listener is not None:
            self.listener.stopListening()
