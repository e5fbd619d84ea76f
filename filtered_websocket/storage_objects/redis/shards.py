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
    :param epoch: for histories that begin with what this node sends
    :param options: those of Redis storage
    :ivar ready: whether all of them are
    """

    def __init__(self, addresses: list[Address], prefix: bytes, epoch: bytes, options: Any) -> None:
        self._addresses, self._prefix, self._epoch, self._options = addresses, prefix, epoch, options
        self._shards: list[Shard] = []
        self._consumer: Consumer | None = None
        self._waiting: list[Deferred[None]] = []
        self.ready = self._begun = False

    def start(self, consumer: Consumer) -> Deferred[None]:
        """Fires when all are ready; fails with ConfigError when that can never be."""
        self._consumer = consumer
        self._shards = self._make(consumer)
        for channel in self._options.redis_channels:
            for shard in self._bus():
                shard.subscriptions.add(channel, True).addErrback(lambda _: None)  # stopped before it was confirmed
        self._begin()
        return self.wait_ready()

    def _make(self, consumer: Consumer) -> "list[Shard]":
        from filtered_websocket.storage_objects.redis.single import SingleRedis  # installs the reactor

        told: dict[str, Any] = {"changed": self._changed, "impossible": self._never}
        return [SingleRedis(one, self._prefix, self._epoch, self._options, consumer, **told) for one in self._addresses]

    def _begin(self) -> None:
        for shard in self._shards:
            shard.start()

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
        addresses = self._addresses
        return self.all()[max(range(len(addresses)), key=lambda index: fit(addresses[index], raw))]

    def read(self, key: bytes) -> Deferred[Any]:
        """A plain value that is not ours. Raises as `all` does."""
        return self.first().ask(b"GET", key)

    def _bus(self) -> "list[Shard]":
        """Those that the bus is heard at. Raises as `all` does."""
        return self.all()

    def on_bus(self, function: "Callable[[Shard], Deferred[None]]") -> Deferred[None]:
        """Fires when it is done on all that the bus is heard at; fails with the first error. Raises as `all` does."""
        done = gatherResults([function(shard) for shard in self._bus()], consumeErrors=True)
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
