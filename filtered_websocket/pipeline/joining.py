"""Subscribers that ask for nothing of what was before them: each is told where it stands and joins, in one step, now.

Most that are new to a channel come so. It is what `recoveries` does for them too, without what those need that wait: it
serves channels of which this node knows where it stands. A subscriber that has to wait for that waits there.
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from filtered_websocket.chain.channels import Insufficient
from filtered_websocket.chain.interfaces import Server
from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.messages.recovery import NO_HISTORY, Recovery
from filtered_websocket.pipeline.consumer import Consumer
from filtered_websocket.pipeline.following import Following
from filtered_websocket.pipeline.positioned import Positioned
from filtered_websocket.pipeline.subscriptions import Subscribed, Subscriptions, refusal
from filtered_websocket.pipeline.tail import Tail
from filtered_websocket.storage_objects.base import Keep


class Pipeline(Subscribed, Protocol):
    """The pipeline, as what joins its channels knows it."""

    @property
    def server(self) -> Server: ...


class Joining:
    """One pipeline's."""

    def __init__(
        self,
        pipeline: Pipeline,
        following: Following,
        consumer: Consumer,
        positioned: Positioned,
        subscriptions: Subscriptions,
    ) -> None:
        self._pipeline, self._following, self._consumer, self._positioned = pipeline, following, consumer, positioned
        self._subscriptions = subscriptions

    def join_now(
        self,
        channel: str,
        subscriber: Subscriber,
        answer: Callable[[Recovery], object],
        *,
        insufficient: Insufficient | None = None,
        keep: Keep | None = None,
    ) -> bool:
        """Answer a subscriber, and let it join, if that can be at once; what is published meanwhile comes behind both.

        The parameters are those of `Recoveries.recover`.

        :returns: whether it has joined; else nothing was done
        :raises ValueError: it may not
        :raises BaseException: what `answer` raises; it has not joined then
        """
        hub, kept = self._pipeline.hub, keep or self._pipeline.names.kept(channel)
        tail = hub.tails.get(channel)
        if (
            channel not in hub.channels
            or channel in hub.recovering
            or channel in subscriber.channels
            or self._following.waits_for(channel)
            or (self._consumer.is_waiting if kept is None else tail is None)
        ):
            return False
        refused = refusal(self._pipeline, channel, subscriber, self._pipeline.server.counters)
        if refused is not None:
            raise refused

        try:
            stands = None if kept is None else tail
            hub.join_behind((channel,), partial(self._answered, channel, subscriber, answer, stands, insufficient))
        except BaseException:
            self._subscriptions.unsubscribe(channel, subscriber)
            raise
        return True

    def _answered(
        self,
        channel: str,
        subscriber: Subscriber,
        answer: Callable[[Recovery], object],
        tail: Tail | None,
        insufficient: Insufficient | None,
    ) -> tuple[()]:
        # It is in the channel before it is answered, so that it can leave meanwhile. Nothing is delivered before.
        self._pipeline.hub.join(channel, subscriber)
        known = None
        if tail is not None:
            self._positioned.add(channel, subscriber, insufficient, False)
            known = tail.position
        answer(Recovery(False, "" if known else NO_HISTORY, known))
        return ()
