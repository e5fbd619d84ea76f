"""Which channels of a pipeline this node follows at storage: those that have subscribers here, or will have some."""

from functools import partial
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.chain.counters import Counters
from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.messages.publication import Position
from filtered_websocket.pipeline.consumer import Consumer
from filtered_websocket.pipeline.hub import Hub
from filtered_websocket.storage_objects.base import BaseStorageObject


class Followed(Protocol):
    """The pipeline, as what follows its channels knows it."""

    hub: Hub
    prefix: str


class Following:
    """One pipeline's."""

    def __init__(self, pipeline: Followed, storage: BaseStorageObject, consumer: Consumer, counters: Counters) -> None:
        self._consumer = consumer
        self._hub, self._prefix, self._storage, self._counters = pipeline.hub, pipeline.prefix, storage, counters
        self._waiting: dict[str, list[Deferred[Any]]] = {}

    def begin(self, channel: str) -> Deferred[Any]:
        """Follow a channel that was not followed; fires when storage has confirmed that publications will arrive."""
        if self._consumer.is_waiting:
            self._hub.tails.begin(channel, partial(self._consumer.in_order, channel=channel))
        confirmed = self._storage.subscribe(self._prefix + channel)
        if confirmed is DONE:
            return DONE
        answer: Deferred[Any] = Deferred()
        waiting = self._waiting[channel] = [answer]
        confirmed.addBoth(self._confirmed, channel, waiting)
        return answer

    def confirmed(self, channel: str) -> Deferred[Any]:
        """Fires when storage has confirmed a channel that is followed."""
        waiting = self._waiting.get(channel)
        if waiting is None:
            return DONE
        answer: Deferred[Any] = Deferred()
        waiting.append(answer)
        return answer

    def waits_for(self, channel: str) -> bool:
        """Whether storage has yet to confirm a channel that is followed."""
        return channel in self._waiting

    def end(self, channel: str) -> Deferred[Any]:
        """Follow a channel no more, if nobody needs it."""
        hub = self._hub
        if channel in hub.channels or channel in hub.recovering:
            return DONE
        self._waiting.pop(channel, None)
        hub.tails.forget(channel)
        left = self._storage.unsubscribe(self._prefix + channel)
        return left if left is DONE else self._counters.watch(left, "unsubscribe")

    def _confirmed(self, result: Any, channel: str, waiting: list[Deferred[Any]]) -> None:
        if self._waiting.get(channel) is waiting:
            del self._waiting[channel]
            if isinstance(result, Failure):
                self._fail(channel)
            elif isinstance(result, Position):
                # At once: what is still to come of the time before this was subscribed to is heard already.
                self._hub.tails.stand(channel, result)
        for answer in waiting:
            answer.callback(result if isinstance(result, Failure) else None)

    def _fail(self, channel: str) -> None:
        """Nothing will arrive: the next to ask has to be the channel's first, for which storage is asked."""
        hub = self._hub
        for subscriber in tuple(hub.subscribers(channel)):
            hub.leave(channel, subscriber)
        self.end(channel)
