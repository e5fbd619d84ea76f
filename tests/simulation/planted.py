"""Faults planted into the running code, one at a time: the simulator must find each.

Each is what somebody may well write: a line left out, a bound that is one too high, an exception that is swallowed.
"""

import contextlib
from collections.abc import Callable
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.connection.lifecycle import Lifecycle
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.centrifugo import publishing
from filtered_websocket.filters.centrifugo.envelope import LEAVE
from filtered_websocket.filters.centrifugo.messages import PublishResult
from filtered_websocket.filters.centrifugo.subscription import Subscription
from filtered_websocket.limits.ticker import Ticker
from filtered_websocket.pipeline.hub import Hub
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.pipeline.subscriptions import Subscriptions
from filtered_websocket.pipeline.tail import Tail
from filtered_websocket.storage_objects.history import Histories
from filtered_websocket.testing.process_time import put_into
from tests.simulation.node import MAX_CONNECTIONS, OPTIONS

Planted = contextlib.AbstractContextManager[Any]


def _lost_unsubscribe() -> Planted:
    return put_into(Subscriptions, {"unsubscribe": lambda self, channel, subscriber: DONE})


def _doubled_replay() -> Planted:
    real = Tail.behind
    return put_into(Tail, {"behind": lambda self, offset: real(self, max(self.base, offset - 1))})


def _leave_not_told() -> Planted:
    real = Subscription._tell

    def tell(self: Subscription, kind: int) -> Any:
        return DONE if kind == LEAVE else real(self, kind)

    return put_into(Subscription, {"_tell": tell})


def _timer_not_cancelled() -> Planted:
    return put_into(Ticker, {"stop": lambda self: None})


def _swallowed_storage_away() -> Planted:
    real = publishing.publish

    def swallowed(failure: Failure) -> PublishResult:
        failure.trap(StorageAway)
        return PublishResult()

    def publish(client: Any, request: Any) -> Any:
        published = real(client, request)
        return published.addErrback(swallowed) if isinstance(published, Deferred) else published

    return put_into(publishing, {"publish": publish})


def _skipped_offset() -> Planted:
    real, numbers = Histories.append, count(1)

    def append(self: Histories, publication: Any, *arguments: Any) -> Any:
        history = self._histories.get(publication.channel)
        if history is not None and not next(numbers) % 9:
            history.top += 1
        return real(self, publication, *arguments)

    return put_into(Histories, {"append": append})


def _wrong_order_over_two_channels() -> Planted:
    return put_into(Hub, {"_mix": lambda self, subscriber: None})


def _kept_descriptor() -> Planted:
    def drop(self: Any, abort: bool = False) -> None:
        self.droppedByMe = True

    return put_into(Lifecycle, {"dropConnection": drop})


def _limit_off_by_one() -> Planted:
    return put_into_options(max_connections=MAX_CONNECTIONS + 1)


def _forgotten_stop_filters() -> Planted:
    return put_into(Pipeline, {"stop": lambda self, *arguments: DONE})


@contextlib.contextmanager
def put_into_options(**values: Any) -> Any:
    before = dict(OPTIONS)
    OPTIONS.update(values)
    try:
        yield
    finally:
        OPTIONS.update(before)


PLANTED: dict[str, Callable[[], Planted]] = {
    "a lost unsubscribe": _lost_unsubscribe,
    "a doubled replay": _doubled_replay,
    "a leave not told": _leave_not_told,
    "a timer not cancelled": _timer_not_cancelled,
    "a swallowed StorageAway": _swallowed_storage_away,
    "an offset skipped": _skipped_offset,
    "a wrong order over two channels": _wrong_order_over_two_channels,
    "a descriptor kept": _kept_descriptor,
    "a limit off by one connection": _limit_off_by_one,
    "a drain that forgets hooks": _forgotten_stop_filters,
}
"""What is planted, to be found on memory."""
