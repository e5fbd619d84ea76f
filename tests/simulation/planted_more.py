"""More faults to plant, of kinds that `planted` has not: one where a client comes back, one where storage does."""

from collections.abc import Callable
from typing import Any

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.filters.centrifugo import publishing
from filtered_websocket.filters.centrifugo.envelope import JOIN
from filtered_websocket.filters.centrifugo.messages import PublishResult
from filtered_websocket.filters.centrifugo.subscription import Subscription
from filtered_websocket.monitoring.counters import Counters
from filtered_websocket.pipeline.following import Following
from filtered_websocket.pipeline.tail import Tail
from filtered_websocket.storage_objects.redis.held import Held
from filtered_websocket.storage_objects.redis.subscriptions import Subscriptions
from filtered_websocket.testing.process_time import put_into
from tests.simulation.node import CHANNEL_LIMIT
from tests.simulation.planted import Planted, put_into_options


def _doubled_join() -> Planted:
    real = Subscription._tell

    def tell(self: Subscription, kind: int) -> Any:
        if kind == JOIN:
            real(self, kind)
        return real(self, kind)

    return put_into(Subscription, {"_tell": tell})


def _replay_without_its_last() -> Planted:
    real = Tail.behind
    return put_into(Tail, {"behind": lambda self, offset: real(self, offset + 1 if offset + 1 == self.top else offset)})


def _not_subscribed_again() -> Planted:
    return put_into(Subscriptions, {"resume": lambda self, subscriber, command: DONE})


def _slow_client_not_counted() -> Planted:
    real = Counters.count

    def count(self: Counters, what: str, reason: str, *more: Any, **named: Any) -> None:
        if not reason.startswith("slow client"):
            real(self, what, reason, *more, **named)

    return put_into(Counters, {"count": count})


def _told_before_it_is_kept() -> Planted:
    real = publishing.publish

    def publish(client: Any, request: Any) -> Any:
        published = real(client, request)
        if hasattr(published, "addErrback"):
            published.addErrback(lambda _: None)
        return PublishResult()

    return put_into(publishing, {"publish": publish})


def _channel_limit_off_by_one() -> Planted:
    return put_into_options(centrifugo_channel_limit=CHANNEL_LIMIT + 1)


def _dead_member_claimed() -> Planted:
    return put_into(Held, {"drop": lambda self, entry: self.entries.get(entry)})


def _storage_not_unsubscribed() -> Planted:
    def end(self: Following, channel: str) -> Any:
        self._storage, storage = Deaf(), self._storage
        try:
            return real(self, channel)
        finally:
            self._storage = storage

    real = Following.end
    return put_into(Following, {"end": end})


class Deaf:
    """Storage that is left and does not hear it."""

    def unsubscribe(self, channel: str) -> Any:
        return DONE


MORE: dict[str, tuple[Callable[[], Planted], str]] = {
    "a join told twice": (_doubled_join, "memory"),
    "a replay without its last": (_replay_without_its_last, "memory"),
    "not subscribed again after an outage": (_not_subscribed_again, "redis"),
    "a slow client's drop not counted": (_slow_client_not_counted, "memory"),
    "confirmed before it is kept": (_told_before_it_is_kept, "memory"),
    "a channel limit off by one": (_channel_limit_off_by_one, "memory"),
    "a dead member that is claimed": (_dead_member_claimed, "redis"),
    "storage that is not told of the last leave": (_storage_not_unsubscribed, "memory"),
}
"""What is planted, and on which storage it is to be found."""
