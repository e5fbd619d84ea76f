"""All names on the bus of one Redis that begin with something: asked for by PSUBSCRIBE, and again after an outage."""

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail, gatherResults

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.command import pattern_of
from filtered_websocket.storage_objects.redis.interfaces import Ears, OneRedis
from filtered_websocket.storage_objects.values import as_bytes

STOPPED = "the storage object was stopped"


class _Prefix:
    """``asked``: the connection that PSUBSCRIBE was written on; ``live``: it has once been confirmed."""

    __slots__ = ("asked", "live", "name", "waiting")

    def __init__(self, name: str) -> None:
        self.name, self.live = name, False
        self.asked: Ears | None = None
        self.waiting: list[Deferred[None]] = []


class Prefixes:
    """
    :param consume: told of what comes
    """

    def __init__(self, shard: OneRedis, consume: Callable[[dict[str, Any]], None]) -> None:
        self._shard, self._consume = shard, consume
        self._all: dict[bytes, _Prefix] = {}
        self._stopped = False

    def add(self, name: str) -> Deferred[None]:
        """Fires when confirmed. While Redis is away, that is when it is back."""
        if self._stopped:
            return fail(StorageAway(STOPPED))
        prefix = self._all.setdefault(pattern_of(as_bytes(name)), _Prefix(name))
        if prefix.live:
            return DONE
        confirmed: Deferred[None] = Deferred()
        prefix.waiting.append(confirmed)
        if self._shard.open and self._shard.subscriber is not None:
            self.begin(self._shard.subscriber)
        return confirmed

    def begin(self, subscriber: Ears) -> Deferred[Any]:
        """Ask for those that this connection was not asked for; fires when they are confirmed."""
        new = [pattern for pattern, prefix in self._all.items() if prefix.asked is not subscriber]
        confirmed = subscriber.subscribe_to_patterns(new)
        for pattern, one in zip(new, confirmed, strict=True):
            self._all[pattern].asked = subscriber
            one.addCallback(partial(self._confirm, self._all[pattern]))
        return gatherResults(confirmed)

    def leave(self, subscriber: Ears) -> None:
        """Have nothing more sent by this connection. Where it is used again, all are asked for again."""
        for prefix in self._all.values():
            if prefix.asked is subscriber:
                prefix.asked = None
        subscriber.leave_patterns(list(self._all))

    @property
    def live(self) -> list[str]:
        """The names of those that have once been confirmed."""
        return [prefix.name for prefix in self._all.values() if prefix.live]

    def arrived(self, pattern: bytes, channel: bytes, data: bytes) -> None:
        self._consume({"type": "pmessage", "pattern": pattern, "channel": channel, "data": data})

    def stop(self) -> None:
        self._stopped = True
        # What is told of it may listen to others.
        stopped, self._all = self._all, {}
        for prefix in stopped.values():
            waiting, prefix.waiting = prefix.waiting, []
            for confirmed in waiting:
                confirmed.errback(StorageAway(STOPPED))

    def _confirm(self, prefix: _Prefix, _: object) -> None:
        prefix.live = True
        waiting, prefix.waiting = prefix.waiting, []
        for confirmed in waiting:
            confirmed.callback(None)
