"""What arrives runs through the consumer chain: publications, and bus messages, in one order.

A publication is delivered to its channel's local subscribers as the chain's end leaves it. While a filter is awaited,
later items wait behind it. One that has a place in history and is dropped still moves the channel on.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.failures import unusable
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.outcomes import outcome, report
from filtered_websocket.chain.running import limit_time, run
from filtered_websocket.errors import StopChain
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.pipeline.hub import Hub
from filtered_websocket.pipeline.tail import FAILED

_log = Logger()

MAX_WAITING_ITEMS = 10_000
"""Consumer items that may wait for an asynchronous consumer filter; more are dropped and counted."""


class _InOrder:
    """Something to be called when everything before it was delivered."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], object]) -> None:
        self.call = call


class Consumer:
    """The consuming side of one pipeline.

    :param hub: the pipeline's
    """

    def __init__(self, pipeline: Pipeline, hub: Hub) -> None:
        self._pipeline = pipeline
        self._hub = hub
        self._waiting: deque[Any] | None = None
        self._awaited: Deferred[Any] | None = None
        self._drops = False
        # Of channels that keep history the last that found no room.
        self._overflowed: dict[str, Position] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether a filter is awaited, and something may wait behind it."""
        return self._waiting is not None

    def in_order(self, call: Callable[[], object], channel: str = "") -> None:
        """Call this when everything that was consumed before has been delivered.

        :param channel: of which that counts
        """
        if self._waiting is None:
            call()
        else:
            if channel in self._overflowed:
                self._skip(channel)
            self._waiting.append(_InOrder(call))

    def _skip(self, channel: str) -> None:
        """What found no room before is missing in its place: what comes behind may be of another epoch."""
        assert self._waiting is not None
        self._waiting.append(_InOrder(partial(self._hub.tails.skip, channel, self._overflowed.pop(channel))))

    def consume(self, item: Any, in_line: bool = False) -> bool:
        """Run the consumer chain on a publication or a bus message, and deliver what is left of a publication.

        :param in_line: it has waited, and its turn has come
        :returns: whether a filter now waits
        """
        if self._waiting is not None and not in_line:
            if len(self._waiting) < MAX_WAITING_ITEMS:
                if self._overflowed and isinstance(item, Publication) and item.channel in self._overflowed:
                    self._skip(item.channel)
                self._waiting.append(item)
            else:
                self._overflow(item)
            return True
        try:
            result = run(self._pipeline.chains["consumer"], self._pipeline, item)
            if result is item:
                if isinstance(item, Publication):
                    if item.besides or item.position is not None:
                        self._deliver(item, item)
                    else:
                        self._hub.publish(item.channel, item.messages, item.exclude)
            elif type(result) is Publication and isinstance(item, Publication):
                self._deliver(result, item)  # what `_consumed` does with it
            elif isinstance(result, Deferred):
                return self._wait(result, item)
            else:
                self._consumed(result, item)
        except BaseException as error:
            self._failed(error, item)
        return False

    def _wait(self, result: Deferred[Any], item: Any) -> bool:
        """Later items queue behind the one that waits: one order for all subscribers."""
        if not result.called:
            limit_time(result, self._pipeline.options.filter_timeout, self._pipeline.server.reactor)
        result.addCallback(self._consumed, item)
        result.addErrback(self._waited_failed, item)
        if result.called:
            return False
        if self._waiting is None:
            self._waiting = deque()
        self._awaited = result
        result.addCallback(self._resume)
        return True

    def _waited_failed(self, failure: Failure, item: Any) -> None:
        assert failure.value is not None
        if not self._drops:
            self._failed(failure.value, item)

    def drop_waiting(self) -> None:
        """The server has ended, nobody is delivered to: end the filter that is awaited, drop what waits behind it."""
        awaited, waiting = self._awaited, self._waiting
        if awaited is None or waiting is None:
            return
        self._drops, self._waiting = True, deque(each for each in waiting if type(each) is _InOrder)
        self._overflowed.clear()
        dropped = 1 + len(waiting) - len(self._waiting)
        self._pipeline.server.counters.count("dropped", "filters took longer than the stop", times=dropped)
        awaited.cancel()
        self._drops = False

    def _resume(self, _: Any) -> None:
        # Until the last has had its turn, what is published meanwhile queues behind it.
        while self._waiting:
            item = self._waiting.popleft()
            if type(item) is _InOrder:
                item.call()
            elif self.consume(item, in_line=True):
                return
        self._waiting = self._awaited = None
        while self._overflowed:
            channel, position = self._overflowed.popitem()
            self._hub.tails.skip(channel, position)
            for tell in tuple(self._pipeline.gaps):
                tell(channel, position)

    def _consumed(self, result: Any, item: Any) -> None:
        if isinstance(item, Publication):
            self._deliver(left_of(result, item, self._pipeline), item)

    def _deliver(self, publication: Publication, item: Publication) -> None:
        """
        :param item: as it was before the chain
        """
        exclude = publication.exclude
        if publication.besides:
            hub = self._hub
            had = [each.id for name in publication.besides for each in hub.subscribers(name)]
            # Those that come back to a channel beside this one are given their copy there.
            back = [each for name in publication.besides for each in hub.recovering.get(name, ())]
            exclude = {*exclude, *had, *back}
        kept, position = None, item.position
        if position is not None:
            if publication.channel == item.channel:
                kept = position, publication if publication.position is position else placed(publication, position)
            else:
                self._hub.publish(item.channel, (), (), (position, None))
        self._hub.publish(publication.channel, publication.messages, exclude, kept)

    def _failed(self, error: BaseException, item: Any) -> None:
        left = FAILED if tell_failure(self._pipeline, error) else None
        if isinstance(item, Publication) and item.position is not None:
            self._hub.publish(item.channel, (), (), (item.position, left))

    def _overflow(self, item: Any) -> None:
        self._pipeline.server.counters.count("dropped", "consumer filters too slow")
        if isinstance(item, Publication) and item.position is not None:
            self._overflowed[item.channel] = item.position


def left_of(result: Any, item: Publication, pipeline: Pipeline) -> Publication:
    """What the consumer chain has left of a publication, by what the chain's end is: itself, if that is nothing that
    could be delivered."""
    if isinstance(result, (str, bytes, bytearray)):
        return item.with_payload(bytes(result) if isinstance(result, bytearray) else result)
    if isinstance(result, Publication):
        return result
    error = unusable(result, "text, bytes or a Publication", [each.step for each in pipeline.filters["consumer"]])
    pipeline.server.counters.count("failed", "result of a consumer filter", str(error))
    return item


def placed(publication: Publication, position: Position) -> Publication:
    """A publication at this position, wherever a filter has it from."""
    if publication.position == position:
        return publication
    return type(publication)(
        publication.channel, publication.messages, publication.exclude, position, publication.besides
    )


def tell_failure(pipeline: Pipeline, error: BaseException) -> bool:
    """A consumer filter has dropped an item with this: count and log it, where it is a failure; whether it is."""
    meant = outcome(error, (StopChain,))
    if not meant.failed:
        return False
    if not isinstance(error, (Exception, CancelledError)):
        _log.warn("a consumer filter raised {error!r}, which has no meaning there: the item is dropped", error=error)
    report(pipeline.server.counters, error, "dropped", "a consumer filter failed")
    return True
