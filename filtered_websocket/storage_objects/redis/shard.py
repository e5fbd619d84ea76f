"""A share of what a storage object has: all that is at one Redis, or in one partition of a cluster.

It is open when writes are taken, and ready when everything is subscribed to and every gap is filled.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.logger import Logger

from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.storage_objects.base import Consumer
from filtered_websocket.storage_objects.redis.command import Script, command
from filtered_websocket.storage_objects.redis.interfaces import Commands, Ears
from filtered_websocket.storage_objects.redis.leases import Leases
from filtered_websocket.storage_objects.redis.replies import away
from filtered_websocket.storage_objects.redis.requests import Requests
from filtered_websocket.storage_objects.redis.subscriptions import Subscriptions
from filtered_websocket.storage_objects.redis.write_queue import WriteQueue
from filtered_websocket.storage_objects.values import Convert, as_bytes

log = Logger()
_clock: Any = reactor

BEATS = 3
"""So many heartbeat intervals without one coming back, or without an answer to a greeting, are too many."""


class Shard(ABC):
    """
    :param name: what it is called in the log
    :param prefix: of all keys that are its own
    :param channel_prefix: of its channels
    :param requests: what it is asked to send
    :param options: ``redis_heartbeat``, ``redis_queue``, ``lease_seconds``
    :param consumer: told of all that comes
    :param changed: called when ``ready`` has changed
    """

    _queue: WriteQueue

    def __init__(
        self,
        name: str,
        *,
        prefix: bytes,
        channel_prefix: bytes,
        requests: Requests,
        options: Any,
        consumer: Consumer,
        changed: Callable[[], None],
    ) -> None:
        self.name, self.prefix, self.channel_prefix, self.requests = name, prefix, channel_prefix, requests
        self.consumer, self._changed = consumer, changed
        self.ready = self.open = False  # open: writes are taken, though a gap may not be filled yet
        self.subscriptions = Subscriptions(self, channel_prefix)
        self.leases = Leases(self, prefix, options.lease_seconds)
        self._heartbeat: float = options.redis_heartbeat
        self._stopped = False
        self._sync_number = 0
        self._synced: Ears | None = None  # that all is subscribed on

    @property
    @abstractmethod
    def command(self) -> Commands | None:
        """What can be asked now."""

    @property
    @abstractmethod
    def subscriber(self) -> Ears | None:
        """What can subscribe now."""

    @property
    @abstractmethod
    def reign(self) -> bytes:
        """The number of the present reign, 0 while it is unknown."""

    # Asking.

    @abstractmethod
    def request(self, request: bytes, convert: Convert = None, script: Script | None = None) -> Deferred[Any]:
        """A command, or the script that it calls."""

    @abstractmethod
    def read(self, key: bytes, request: bytes, convert: Convert, script: Script | None = None) -> Deferred[Any]:
        """A command that only reads. Equal ones of a turn are sent once, unless the key ``changes`` between them."""

    @abstractmethod
    def changes(self, key: bytes) -> None:
        """What is written next changes this key."""

    @abstractmethod
    def start(self) -> None:
        """Begin to connect."""

    @abstractmethod
    def stop(self) -> Deferred[Any]:
        """Give the lease back, and let go; fires when that is done."""

    @abstractmethod
    def give_up(self, reason: str) -> None:
        """Throw its connections away."""

    def call(self, script: Script, keys: Sequence[bytes], values: Sequence[bytes]) -> bytes:
        """The command that runs a script here."""
        return script.request(keys, values)

    def pool(self, pool: Pool) -> Pool:
        """The limits of a pool here."""
        return pool

    def later(self, function: Callable[[], Deferred[Any]], size: int | None = 0) -> Deferred[Any]:
        """What stands for what cannot be asked while it is not open.

        :param size: bytes of what it asks, about; None: it ends what was asked before, and needs no room
        """
        return away()

    def ask(self, *parts: bytes, convert: Convert = None) -> Deferred[Any]:
        """One command. Fails with StorageAway when Redis is away, or lost before it answered."""
        return self.request(command(*parts), convert)

    def run(self, script: Script, keys: Sequence[bytes], values: Sequence[bytes], convert: Convert) -> Deferred[Any]:
        return self.request(self.call(script, keys, values), convert, script)

    def write(self, function: Callable[[], Deferred[Any]], size: int = 0) -> Deferred[Any]:
        """Do it now; while Redis is away, when it is back, if the queue has room; otherwise fail.

        :param size: bytes of what it writes, about
        """
        if self.open:
            return function()
        return away() if self._stopped else self._queue.put(function, size)

    def history_keys(self, channel: str) -> tuple[bytes, bytes]:
        """The keys of a channel's history, and of where it stands."""
        raw = as_bytes(channel)
        return self.prefix + b"h:" + raw, self.prefix + b"e:" + raw

    def meta_request(self, channel: str) -> bytes:
        return command(b"HMGET", self.history_keys(channel)[1], b"e", b"o")

    # Coming and going.

    @inlineCallbacks
    def _sync(self, number: int, commands: Commands, subscriber: Ears) -> Any:
        if subscriber is not self._synced:
            yield self.subscriptions.resume(subscriber, commands)
        yield self.leases.resume()
        if number != self._sync_number or self._stopped:
            return
        self.open = True
        self._queue.empty(lambda: self.open)
        self.subscriptions.begin_all()
        yield self.subscriptions.fill(commands)
        if number != self._sync_number or self._stopped:
            return
        self._synced = subscriber
        self._settled()
        self._set_ready(True)
        self.leases.settled()

    @abstractmethod
    def _settled(self) -> None:
        """All is well."""

    def _close(self) -> None:
        """It is stopping: nothing that waits will be done."""
        self._stopped = True
        self.subscriptions.stop()
        self._queue.fail()

    @inlineCallbacks
    def _release(self) -> Any:
        """Give the lease back."""
        if self.open:
            try:
                yield self.leases.release().addTimeout(BEATS * self._heartbeat, _clock)
            except Exception as error:
                log.warn("Redis at {name}: lease not given back: {error}", name=self.name, error=error)
        self.leases.suspend()
        self._sync_number += 1

    def _set_ready(self, ready: bool) -> None:
        if ready != self.ready:
            self.ready = ready
            self._changed()
