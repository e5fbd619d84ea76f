"""Which subscribers are in which channel of a pipeline on this node, and whether storage has confirmed it."""

from collections.abc import Container
from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail

from filtered_websocket.chain.counters import Counters
from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.chain.interfaces import Options
from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.errors import NotAllowed
from filtered_websocket.pipeline.following import Following
from filtered_websocket.pipeline.hub import Hub
from filtered_websocket.pipeline.names import Names


class Subscribed(Protocol):
    """The pipeline, as its subscriptions know it: options and names change when it is reloaded."""

    @property
    def hub(self) -> Hub: ...
    @property
    def names(self) -> Names: ...
    @property
    def options(self) -> Options: ...


class Recovering(Protocol):
    """The clients that come back to channels, as subscriptions know them.

    :ivar relied_on: channels of which subscribers rely on their positions
    """

    relied_on: Container[str]

    def waits(self, channel: str, subscriber: Subscriber) -> Deferred[Any] | None: ...
    def leave(self, channel: str, subscriber: Subscriber) -> None: ...


class Subscriptions:
    """One pipeline's.

    :param recoveries: of the same pipeline
    """

    def __init__(self, pipeline: Subscribed, following: Following, recoveries: Recovering, counters: Counters) -> None:
        self._pipeline, self._following, self._recoveries = pipeline, following, recoveries
        self._counters = counters

    def subscribe(self, channel: str, subscriber: Subscriber) -> Deferred[Any]:
        """Add a subscriber; fires when the storage object has confirmed that publications will arrive."""
        hub, counters = self._pipeline.hub, self._counters
        refused = refusal(self._pipeline, channel, subscriber, counters)
        if refused is not None:
            return counters.watch(fail(refused), "subscribe")
        if channel in hub.recovering:
            waits = self._recoveries.waits(channel, subscriber)
            if waits is not None:
                return waits
            hub.join(channel, subscriber)
            answer = self._following.confirmed(channel)
        elif hub.join(channel, subscriber):
            answer = self._following.begin(channel)
        else:
            answer = self._following.confirmed(channel)
        return answer if answer is DONE else counters.watch(answer, "subscribe")

    def unsubscribe(self, channel: str, subscriber: Subscriber) -> Deferred[Any]:
        """Remove a subscriber: what was published to the channel before still reaches it."""
        hub = self._pipeline.hub
        if channel in self._recoveries.relied_on or channel in hub.recovering:
            self._recoveries.leave(channel, subscriber)
        return self._following.end(channel) if hub.leave(channel, subscriber) else DONE


def refusal(pipeline: Subscribed, channel: str, subscriber: Subscriber, counters: Counters) -> Exception | None:
    """Why somebody may not subscribe to this; None if it may."""
    try:
        pipeline.names.check(channel)
        if channel not in subscriber.channels and len(subscriber.channels) >= pipeline.options.max_channels:
            text = f"a connection may be in {pipeline.options.max_channels} channels (max_channels)"
            raise NotAllowed("max_channels", text)
    except NotAllowed as error:
        peer = getattr(getattr(subscriber, "request", None), "peer", "")
        counters.count("refused", error.reason, peer)
        return error.with_traceback(None)  # with it, it would hold the frames that hold it
    except (TypeError, ValueError) as error:
        return error.with_traceback(None)
    return None
