"""What one node is subscribed to at one Redis: begun, confirmed, and begun again after an outage.

Where a channel stands is asked when SUBSCRIBE is confirmed, and what arrives meanwhile is held, so nothing falls
between the two. After an outage the gap is filled (``gaps``).
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail, gatherResults, inlineCallbacks, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.envelope import decode
from filtered_websocket.storage_objects.redis.gaps import NOTHING, Followed, Gaps
from filtered_websocket.storage_objects.redis.interfaces import Commands, Ears, OneRedis
from filtered_websocket.storage_objects.redis.parts import in_parts
from filtered_websocket.storage_objects.redis.prefixes import STOPPED, Prefixes
from filtered_websocket.storage_objects.values import as_bytes

log = Logger()
TOGETHER = 1000
"""How many channels one SUBSCRIBE names after an outage."""


class _Subscription(Followed):
    """One name. ``asked``: SUBSCRIBE was written on this connection; ``live``: it has once been confirmed."""

    __slots__ = ("asked", "begun", "is_bus", "live", "raw", "waiting")

    def __init__(self, name: str, raw: bytes, is_bus: bool) -> None:
        super().__init__(name)
        self.raw, self.is_bus = raw, is_bus
        self.begun = self.asked = self.live = False
        self.waiting: list[Deferred[Any]] = []


class Subscriptions:
    """
    :param shard: the connections they use
    :param prefix: of the Redis channels of publications
    :ivar prefixes: of names on the bus that are all heard
    """

    def __init__(self, shard: OneRedis, prefix: bytes) -> None:
        self._shard, self._prefix = shard, prefix
        self._gaps = Gaps(shard, self._is_followed)
        self.prefixes = Prefixes(shard, self._consume_bus)
        self._deaf: list[str] = []  # names on the bus, since the connection was lost
        self._all: dict[bytes, _Subscription] = {}
        self._others: dict[bytes, Callable[[], None]] = {}
        self._broken_told = 0.0
        self._stopped = False

    def add(self, name: str, is_bus: bool) -> Deferred[Any]:
        """Fires when confirmed, with where the channel stood then. While Redis is away, that is when it is back."""
        if self._stopped:
            return fail(StorageAway(STOPPED))
        raw = self._raw(name, is_bus)
        subscription = self._all.get(raw)
        if subscription is None:
            subscription = self._all[raw] = _Subscription(name, raw, is_bus)
            if self._shard.open:
                self._begin(subscription)
        if subscription.live:
            return DONE if subscription.last is NOTHING else succeed(subscription.last)
        confirmed: Deferred[Any] = Deferred()
        subscription.waiting.append(confirmed)
        return confirmed

    def discard(self, name: str, is_bus: bool) -> Deferred[None]:
        """What arrives from now on is not for us, whatever Redis still sends."""
        subscription = self._all.pop(self._raw(name, is_bus), None)
        if subscription is not None:
            subscriber = self._shard.subscriber
            if subscription.asked and subscriber is not None:
                (subscriber.leave_bus if is_bus else subscriber.leave)([subscription.raw])
            self._fail(subscription, StorageAway(f"{name!r} was left before it was confirmed"))
        return DONE

    def hear(self, raw: bytes, function: Callable[[], None]) -> None:
        """Have a function called whenever something arrives under this name, which ``resume`` subscribes to."""
        self._others[raw] = function

    def arrived(self, raw: bytes, data: bytes) -> None:
        subscription = self._all.get(raw)
        if subscription is None:
            if raw in self._others:
                self._others[raw]()
            return
        if subscription.is_bus:
            self._consume_bus({"type": "message", "pattern": None, "channel": raw, "data": data})
            return
        try:
            publication = decode(subscription.name, data)
        except ValueError as error:
            self._broken(subscription.name, error)
            return
        self._gaps.arrived(subscription, publication)

    @property
    def bus(self) -> list[str]:
        """What is heard on the bus: names, and what names begin with."""
        names = [one.name for one in self._all.values() if one.is_bus and one.live]
        return [*names, *(f"{name}*" for name in self.prefixes.live)]

    @inlineCallbacks
    def resume(self, subscriber: Ears, command: Commands) -> Any:
        """Subscribe to everything on a new connection; fires when all is confirmed, and gaps are to be ``fill``\\ ed.

        Fails with StorageAway, or never fires, when a connection is lost meanwhile.
        """
        subscriptions = list(self._all.values())
        for subscription in subscriptions:
            subscription.begun = subscription.asked = True
            if not subscription.is_bus:
                self._gaps.open(subscription)
        own = [*self._others, *(one.raw for one in subscriptions if not one.is_bus)]
        bus = [one.raw for one in subscriptions if one.is_bus]
        confirmed = [
            one
            for subscribe_to, names in ((subscriber.subscribe_to, own), (subscriber.subscribe_to_bus, bus))
            for start in range(0, len(names), TOGETHER)
            for one in subscribe_to(names[start : start + TOGETHER])
        ]
        self._deaf += self.bus
        yield gatherResults([*confirmed, self.prefixes.begin(subscriber)])
        new = [subscription for subscription in subscriptions if not subscription.live]
        yield in_parts(lambda subscription: self._locate(subscription, command), new)

    def fill(self, command: Commands) -> Deferred[Any]:
        """Fill all gaps, or tell; fires when that is done."""
        deaf, self._deaf = list(dict.fromkeys(self._deaf)), []
        if deaf:
            log.warn("what others published meanwhile on the bus is lost: {channels}", channels=", ".join(deaf))
        gaping = [one for one in self._all.values() if one.live and one.held is not None]
        return in_parts(lambda one: self._gaps.fill(one, command), gaping)

    def begin_all(self) -> None:
        """Begin what was added while ``resume`` ran."""
        for subscription in list(self._all.values()):
            if not subscription.begun:
                self._begin(subscription)
        if self._shard.subscriber is not None:
            self.prefixes.begin(self._shard.subscriber)

    def leave_all(self, ears: Ears) -> None:
        """Have nothing more sent by a connection that another has replaced."""
        ears.leave([*self._others, *(one.raw for one in self._all.values() if not one.is_bus)])
        ears.leave_bus([one.raw for one in self._all.values() if one.is_bus])
        self.prefixes.leave(ears)

    def stop(self) -> None:
        self._stopped = True
        # What is told of it may leave others.
        stopped, self._all = self._all, {}
        for subscription in stopped.values():
            self._fail(subscription, StorageAway(STOPPED))
        self.prefixes.stop()

    def _raw(self, name: str, is_bus: bool) -> bytes:
        return as_bytes(name) if is_bus else self._prefix + as_bytes(name)

    def _is_current(self, subscription: _Subscription) -> bool:
        return self._all.get(subscription.raw) is subscription

    def _is_followed(self, followed: Followed) -> bool:
        return self._all.get(self._raw(followed.name, False)) is followed

    def _begin(self, subscription: _Subscription) -> None:
        subscriber = self._shard.subscriber
        assert subscriber is not None
        subscription.begun = subscription.asked = True
        if not subscription.is_bus:
            self._gaps.open(subscription)

        def confirmed(_: object) -> None:
            if not subscription.is_bus:
                # Of one that was left: what was published between the two has gone by, so this is no beginning.
                subscription.held = []
            command = self._shard.command
            if command is None:
                subscription.begun = False  # it is begun again when Redis is back
            elif self._is_current(subscription):
                self._locate(subscription, command).addErrback(self._not_begun, subscription)

        subscribe_to = subscriber.subscribe_to_bus if subscription.is_bus else subscriber.subscribe_to
        subscribe_to([subscription.raw])[0].addCallback(confirmed)

    def _not_begun(self, failure: Failure, subscription: _Subscription) -> None:
        if failure.check(StorageAway):
            subscription.begun = False  # it is begun again when Redis is back
        elif self._is_current(subscription):
            del self._all[subscription.raw]
            self._fail(subscription, failure)

    def _locate(self, subscription: _Subscription, command: Commands) -> Deferred[Any]:
        """Confirm it, when it is known where its channel stands."""
        if subscription.is_bus:
            self._confirm(subscription)
            return DONE
        return self._gaps.find_position(subscription, command, partial(self._confirm, subscription))

    def _confirm(self, subscription: _Subscription) -> None:
        if self._is_current(subscription):
            subscription.live = True
            position = None if subscription.last is NOTHING else subscription.last
            waiting, subscription.waiting = subscription.waiting, []
            for confirmed in waiting:
                confirmed.callback(position)

    def _fail(self, subscription: _Subscription, reason: Any) -> None:
        waiting, subscription.waiting = subscription.waiting, []
        for confirmed in waiting:
            confirmed.errback(reason)

    def _consume_bus(self, item: dict[str, Any]) -> None:
        try:
            self._shard.consumer.consume_bus(item)
        except Exception:
            log.failure("the consumer failed on a bus message, which is lost")

    def _broken(self, name: str, error: ValueError) -> None:
        now = time.monotonic()
        if now - self._broken_told >= 60 or not self._broken_told:  # one client may send many of these
            self._broken_told = now
            log.error("dropped on channel {name!r}: {error}", name=name, error=error)
