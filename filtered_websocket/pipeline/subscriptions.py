"""Which subscribers are in which channel of a pipeline on this node, and whether storage has confirmed it."""

from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.chain.interfaces import Counters, Options, Subscriber
from filtered_websocket.errors import NotAllowed
from filtered_websocket.pipeline.hub import Hub
from filtered_websocket.pipeline.names import Names
from filtered_websocket.storage_objects.base import BaseStorageObject


class Subscribed(Protocol):
    """The pipeline, as its subscriptions know it: options and names change when it is reloaded."""

    hub: Hub
    names: Names
    options: Options
    prefix: str


class Subscriptions:
    """One pipeline's."""

    def __init__(self, pipeline: Subscribed, storage: BaseStorageObject, counters: Counters) -> None:
        self._pipeline, self._storage, self._counters = pipeline, storage, counters
        self._waiting: dict[str, list[Deferred[Any]]] = {}

    def subscribe(self, channel: str, subscriber: Subscriber) -> Deferred[Any]:
        """Add a subscriber; fires when the storage object has confirmed that publications will arrive."""
        pipeline, counters = self._pipeline, self._counters
        try:
            pipeline.names.check(channel)
            if channel not in subscriber.channels and len(subscriber.channels) >= pipeline.options.max_channels:
                text = f"a connection may be in {pipeline.options.max_channels} channels (max_channels)"
                raise NotAllowed("max_channels", text)
        except NotAllowed as error:
            peer = getattr(getattr(subscriber, "request", None), "peer", "")
            counters.count("refused", error.reason, peer)
            return counters.watch(fail(error), "subscribe")
        except (TypeError, ValueError) as error:
            return counters.watch(fail(error), "subscribe")
        answer: Deferred[Any] = Deferred()
        if pipeline.hub.join(channel, subscriber):
            confirmed = self._storage.subscribe(pipeline.prefix + channel)
            if confirmed is DONE:
                return DONE
            waiting = self._waiting[channel] = [answer]
            confirmed.addBoth(self._subscribed, channel, waiting)
        elif channel in self._waiting:
            self._waiting[channel].append(answer)
        else:
            return DONE
        return counters.watch(answer, "subscribe")

    def _subscribed(self, result: Any, channel: str, waiting: list[Deferred[Any]]) -> None:
        if self._waiting.get(channel) is waiting:
            del self._waiting[channel]
            if isinstance(result, Failure):
                # Nothing will arrive: the next to ask has to be the channel's first, for which storage is asked.
                for subscriber in tuple(self._pipeline.hub.subscribers(channel)):
                    self.unsubscribe(channel, subscriber)
        for answer in waiting:
            answer.callback(result if isinstance(result, Failure) else None)

    def unsubscribe(self, channel: str, subscriber: Subscriber) -> Deferred[Any]:
        """Remove a subscriber: what was published to the channel before still reaches it."""
        if self._pipeline.hub.leave(channel, subscriber):
            self._waiting.pop(channel, None)
            left = self._storage.unsubscribe(self._pipeline.prefix + channel)
            return left if left is DONE else self._counters.watch(left, "unsubscribe")
        return DONE
