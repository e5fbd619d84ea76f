"""The Redis, or with ``redis_shards`` the several, of one storage object: which has what, and whether all are ready."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.storage_objects.base import Consumer
from filtered_websocket.storage_objects.redis import replies
from filtered_websocket.storage_objects.redis.address import Address, fit
from filtered_websocket.storage_objects.values import as_bytes

if TYPE_CHECKING:
    from filtered_websocket.storage_objects.redis.shard import Shard

log = Logger()


class Shards:
    """
    :param addresses: where they are
    :param prefix: of all keys and channels, with its colon
    :param options: those of Redis storage
    :ivar ready: whether all of them are
    """

    def __init__(self, addresses: list[Address], prefix: bytes, options: Any) -> None:
        self._addresses, self._prefix, self._options = addresses, prefix, options
        self._shards: list[Shard] = []
        self._consumer: Consumer | None = None
        self._waiting: list[Deferred[None]] = []
        self.ready = self._begun = False

    def start(self, consumer: Consumer) -> Deferred[None]:
        """Fires when all are ready; fails with ConfigError when that can never be."""
        from filtered_websocket.storage_objects.redis.shard import Shard  # installs the reactor

        self._consumer = consumer
        told: dict[str, Any] = {"changed": self._changed, "impossible": self._never}
        self._shards = [Shard(one, self._prefix, self._options, consumer, **told) for one in self._addresses]
        for channel in self._options.redis_channels:
            for shard in self._shards:
                shard.subscriptions.add(channel, True).addErrback(lambda _: None)  # stopped before it was confirmed
        for shard in self._shards:
            shard.start()
        return self.wait_ready()

    def stop(self) -> Deferred[None]:
        self._consumer, self.ready = None, False
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.errback(StorageAway("the storage object was stopped"))
        return gatherResults([shard.stop() for shard in self._shards]).addCallback(lambda _: None)

    def wait_ready(self) -> Deferred[None]:
        if self.ready:
            return DONE
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def all(self) -> "list[Shard]":
        """
        :raises RuntimeError: they have not been started
        """
        if not self._shards:
            raise RuntimeError("the storage object has not been started")
        return self._shards

    def first(self) -> "Shard":
        """The one that the bus is written to. Raises as `all` does."""
        return self.all()[0]

    def of(self, name: str) -> "Shard":
        """The one of a channel or key. Raises as `all` does."""
        shards = self._shards
        if len(shards) == 1:
            return shards[0]
        raw = as_bytes(name)
        return max(self.all(), key=lambda shard: fit(shard.address, raw))

    def on_all(self, function: "Callable[[Shard], Deferred[None]]") -> Deferred[None]:
        """Fires when it is done on all; fails with the first error. Raises as `all` does."""
        done = gatherResults([function(shard) for shard in self.all()], consumeErrors=True)
        return done.addCallbacks(replies.nothing, replies.first_error)

    def _never(self, error: ConfigError) -> bool:
        """One can never be ready as things are. What has been ready goes on trying, which is False."""
        if self._begun:
            return False
        waiting, self._waiting = self._waiting, []
        self.stop()
        for one in waiting:
            one.errback(error)
        return True

    def _changed(self) -> None:
        ready = all(shard.ready for shard in self._shards)
        if ready == self.ready or self._consumer is None:
            return
        self.ready = ready
        self._begun = self._begun or ready
        if ready:
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                one.callback(None)
        try:
            self._consumer.ready_changed(ready)
        except Exception:
            log.failure("the consumer failed on being told of readiness")
