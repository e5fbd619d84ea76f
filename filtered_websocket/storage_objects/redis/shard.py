"""One Redis as this node uses it: a connection for commands and one for subscribing, both or nothing.

It is ready when both can be used, everything is subscribed to and every gap is filled. No node is deaf unnoticed: a
heartbeat goes out by the one connection and has to come back by the other; when it does not, both are thrown away.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.storage_objects.base import Consumer
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.command import Script, command
from filtered_websocket.storage_objects.redis.connection import CommandConnection
from filtered_websocket.storage_objects.redis.leases import Leases
from filtered_websocket.storage_objects.redis.link import Link
from filtered_websocket.storage_objects.redis.replies import away
from filtered_websocket.storage_objects.redis.subscriber import SubscriberConnection
from filtered_websocket.storage_objects.redis.subscriptions import Subscriptions
from filtered_websocket.storage_objects.redis.write_queue import WriteQueue
from filtered_websocket.storage_objects.values import Convert, as_bytes

log = Logger()
_clock: Any = reactor

BEATS = 3
"""So many heartbeat intervals without one coming back, or without an answer to a greeting, are too many."""


class Shard:
    """
    :param address: where it is
    :param prefix: of all keys and channels that are ours, with its colon
    :param options: ``redis_heartbeat``, ``redis_queue``, ``lease_seconds``
    :param consumer: told of all that comes
    :param changed: called when ``ready`` has changed
    :param impossible: called when it can never be ready; whether that ends the attempts
    """

    def __init__(
        self,
        address: Address,
        prefix: bytes,
        options: Any,
        consumer: Consumer,
        *,
        changed: Callable[[], None],
        impossible: Callable[[ConfigError], bool],
    ) -> None:
        self.address, self.consumer = address, consumer
        self.ready = self.open = False  # open: writes are taken, though a gap may not be filled yet
        self.channel_prefix = address.channels(prefix)
        self.subscriptions = Subscriptions(self, self.channel_prefix)
        self.leases = Leases(self, prefix, options.lease_seconds)
        self.prefix, self._changed = prefix, changed
        self._heartbeat: float = options.redis_heartbeat
        self._queue = WriteQueue(options.redis_queue)
        self._told: set[str] = set()
        self._stopped = False
        self._sync_number = 0
        self._synced: SubscriberConnection | None = None  # that all is subscribed on
        self._beat = self._ticked = 0.0
        self._timer: Any = None
        self._beat_channel = prefix + b"beat:" + uuid4().hex.encode()
        self.subscriptions.hear(self._beat_channel, self._beat_came)
        patience = max(BEATS * self._heartbeat, 0.5)
        told: dict[str, Any] = {"up": self._up, "down": self._down, "tell": self._tell, "impossible": impossible}
        self._commands = Link(address, CommandConnection, prefix, patience, **told)
        self._subscriber = Link(address, SubscriberConnection, prefix, patience, **told)

    @property
    def command(self) -> CommandConnection | None:
        return self._commands.connection

    @property
    def subscriber(self) -> SubscriberConnection | None:
        return self._subscriber.connection

    @property
    def reign(self) -> bytes:
        """The number of its present reign, 0 while it is away."""
        connection = self._commands.connection
        return b"0" if connection is None else connection.reign

    def start(self) -> None:
        self._commands.start()
        self._subscriber.start()
        self._tick()

    @inlineCallbacks
    def stop(self) -> Any:
        """Gives the lease back, and closes both connections."""
        if self._stopped:
            return
        self._stopped = True
        self.subscriptions.stop()
        self._queue.fail()
        if self.open:
            try:
                yield self.leases.release().addTimeout(BEATS * self._heartbeat, _clock)
            except Exception as error:
                log.warn("Redis at {address}: lease not given back: {error}", address=self.address.name, error=error)
        self.leases.suspend()
        self._timer.cancel()
        self._sync_number += 1
        yield gatherResults([self._commands.stop(), self._subscriber.stop()])
        self._set_ready(False)

    # Asking.

    def ask(self, *parts: bytes, convert: Convert = None) -> Deferred[Any]:
        """One command. Fails with StorageAway when Redis is away, or lost before it answered."""
        return self.request(command(*parts), convert)

    def request(self, request: bytes, convert: Convert = None, script: Script | None = None) -> Deferred[Any]:
        connection = self._commands.connection
        return away() if connection is None else connection.ask(request, convert, script)

    def run(self, script: Script, keys: Sequence[bytes], values: Sequence[bytes], convert: Convert) -> Deferred[Any]:
        return self.request(script.request(keys, values), convert, script)

    def read(self, key: bytes, request: bytes, convert: Convert, script: Script | None = None) -> Deferred[Any]:
        """A command that only reads. Equal ones of a turn are sent once, unless the key ``changes`` between them."""
        connection = self._commands.connection
        if connection is None:
            return away()
        return connection.reads.ask(key, request, lambda: connection.ask(request, convert, script))

    def changes(self, key: bytes) -> None:
        """What is written next changes this key."""
        if self._commands.connection is not None:
            self._commands.connection.reads.changed(key)

    def write(self, function: Callable[[], Deferred[Any]]) -> Deferred[Any]:
        """Do it now; while Redis is away, when it is back, if the queue has room; otherwise fail."""
        if self.open:
            return function()
        return away() if self._stopped else self._queue.put(function)

    def history_keys(self, channel: str) -> tuple[bytes, bytes]:
        """The keys of a channel's history, and of where it stands."""
        raw = as_bytes(channel)
        return self.prefix + b"h:" + raw, self.prefix + b"e:" + raw

    def meta_request(self, channel: str) -> bytes:
        return command(b"HMGET", self.history_keys(channel)[1], b"e", b"o")

    def give_up(self, reason: str) -> None:
        """Throw both connections away."""
        self._tell(reason)
        self._commands.abort()
        self._subscriber.abort()

    # Coming and going.

    def _up(self) -> None:
        subscriber, commands = self._subscriber.connection, self._commands.connection
        if subscriber is not None:
            subscriber.arrived = self.subscriptions.arrived
            subscriber.arrived_by_pattern = self.subscriptions.prefixes.arrived
        if commands is not None and subscriber is not None:
            self._sync_number += 1
            self._beat = time.monotonic()
            self._sync(self._sync_number, commands, subscriber).addErrback(self._sync_failed)

    def _down(self) -> None:
        self._sync_number += 1
        self.leases.suspend()
        self.open = False
        self._set_ready(False)

    @inlineCallbacks
    def _sync(self, number: int, commands: CommandConnection, subscriber: SubscriberConnection) -> Any:
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
        if self._told:
            self._told.clear()
            log.info("Redis at {address}: connected", address=self.address.name)
        self._commands.settled()
        self._subscriber.settled()
        self._set_ready(True)
        self.leases.settled()

    def _sync_failed(self, failure: Failure) -> None:
        if not failure.check(StorageAway):
            reason: Any = getattr(failure.value, "subFailure", failure)  # gatherResults wraps it
            if not reason.check(StorageAway):
                self.give_up(reason.getErrorMessage())

    def _set_ready(self, ready: bool) -> None:
        if ready != self.ready:
            self.ready = ready
            self._changed()

    def _tick(self) -> None:
        now = time.monotonic()
        # When it was this process that stood still, replies wait unread: that is no fault of Redis.
        if now - self._ticked > 2 * self._heartbeat:
            self._beat = now
        self._ticked = now
        self._timer = _clock.callLater(self._heartbeat, self._tick)
        if self._commands.connection is None or self._subscriber.connection is None:
            return
        if now - self._beat > BEATS * self._heartbeat:
            self.give_up(f"its heartbeat has not come back for {BEATS * self._heartbeat:g} s")
        else:
            self.ask(b"PUBLISH", self._beat_channel, b"").addErrback(lambda _: None)
            self._commands.connection.look_home().addCallbacks(self._looked_home, lambda _: None)

    def _looked_home(self, there: bool) -> None:
        if not there:
            self.give_up("it was made a replica, or a master anew")

    def _beat_came(self) -> None:
        self._beat = time.monotonic()

    def _tell(self, reason: str) -> None:
        """Say why Redis is away: each reason once, until it is back."""
        if reason not in self._told and not self._stopped:
            self._told.add(reason)
            reason = reason.strip().rstrip(".")
            log.error(
                "Redis at {address}: {reason}. It is tried until it works.", address=self.address.name, reason=reason
            )
