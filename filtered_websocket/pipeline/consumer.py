"""What arrives runs through the consumer chain: publications, and bus messages, in one order.

A publication is delivered to its channel's local subscribers as the chain's end leaves it. While a filter is awaited,
later items wait behind it.
"""

from collections import deque
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.outcomes import outcome, report
from filtered_websocket.chain.running import limit_time, run
from filtered_websocket.errors import StopChain
from filtered_websocket.messages.publication import Publication

_log = Logger()

MAX_WAITING_ITEMS = 10_000
"""Consumer items that may wait for an asynchronous consumer filter; more are dropped and counted."""


class Consumer:
    """The consuming side of one pipeline."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._hub = pipeline.hub
        self._waiting: deque[Any] | None = None

    def consume(self, item: Any, in_line: bool = False) -> bool:
        """Run the consumer chain on a publication or a bus message, and deliver what is left of a publication.

        :param in_line: it has waited, and its turn has come
        :returns: whether a filter now waits
        """
        if self._waiting is not None and not in_line:
            if len(self._waiting) < MAX_WAITING_ITEMS:
                self._waiting.append(item)
            else:
                self._pipeline.server.counters.count("dropped", "consumer filters too slow")
            return True
        try:
            result = run(self._pipeline.chains["consumer"], self._pipeline, item)
            if result is item:
                if isinstance(item, Publication):
                    if item.besides:
                        self._deliver(item)
                    else:
                        self._hub.publish(item.channel, item.messages, item.exclude)
            elif isinstance(result, Deferred):
                return self._wait(result, item)
            else:
                self._consumed(result, item)
        except BaseException as error:
            self._consumer_failed(error)
        return False

    def _wait(self, result: Deferred[Any], item: Any) -> bool:
        """Later items queue behind the one that waits: one order for all subscribers."""
        if not result.called:
            limit_time(result, self._pipeline.options.filter_timeout, self._pipeline.server.reactor)
        result.addCallback(self._consumed, item)
        result.addErrback(self._waited_failed)
        if result.called:
            return False
        if self._waiting is None:
            self._waiting = deque()
        result.addCallback(self._resume)
        return True

    def _waited_failed(self, failure: Failure) -> None:
        assert failure.value is not None
        self._consumer_failed(failure.value)

    def _resume(self, _: Any) -> None:
        # Until the last has had its turn, what is published meanwhile queues behind it.
        while self._waiting:
            if self.consume(self._waiting.popleft(), in_line=True):
                return
        self._waiting = None

    def _consumed(self, result: Any, item: Any) -> None:
        if isinstance(item, Publication):
            if isinstance(result, (str, bytes, bytearray)):
                result = item.with_payload(bytes(result) if isinstance(result, bytearray) else result)
            self._deliver(result if isinstance(result, Publication) else item)

    def _deliver(self, publication: Publication) -> None:
        exclude = publication.exclude
        if publication.besides:
            had = [each.id for name in publication.besides for each in self._hub.subscribers(name)]
            exclude = {*exclude, *had}
        self._hub.publish(publication.channel, publication.messages, exclude)

    def _consumer_failed(self, error: BaseException) -> None:
        meant = outcome(error, (StopChain,))
        if not meant.failed:
            return
        if not isinstance(error, (Exception, CancelledError)):
            _log.warn(
                "a consumer filter raised {error!r}, which has no meaning there: the item is dropped", error=error
            )
        report(self._pipeline.server.counters, error, "dropped", "a consumer filter failed")
