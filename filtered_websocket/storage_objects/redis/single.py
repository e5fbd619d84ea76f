"""One Redis as this node uses it: a connection for commands and one for subscribing, both or nothing.

It is ready when both can be used, everything is subscribed to and every gap is filled. No node is deaf unnoticed: a
heartbeat goes out by the one connection and has to come back by the other; when it does not, both are thrown away.
"""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.python.failure import Failure

from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.storage_objects.base import Consumer
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.command import Script
from filtered_websocket.storage_objects.redis.command_connection import CommandConnection
from filtered_websocket.storage_objects.redis.pair import Pair
from filtered_websocket.storage_objects.redis.replies import away
from filtered_websocket.storage_objects.redis.requests import Requests
from filtered_websocket.storage_objects.redis.shard import BEATS, Shard
from filtered_websocket.storage_objects.redis.subscriber import SubscriberConnection
from filtered_websocket.storage_objects.redis.write_queue import WriteQueue
from filtered_websocket.storage_objects.values import Convert

_clock: Any = reactor


class SingleRedis(Shard):
    """
    :param address: where it is
    :param prefix: of all keys and channels that are ours, with its colon
    :param epoch: for histories that begin with what this node sends
    :param options: ``redis_heartbeat``, ``redis_queue``, ``lease_seconds``
    :param consumer: told of all that comes
    :param changed: called when ``ready`` has changed
    :param impossible: called when it can never be ready; whether that ends the attempts
    """

    def __init__(
        self,
        address: Address,
        prefix: bytes,
        epoch: bytes,
        options: Any,
        consumer: Consumer,
        *,
        changed: Callable[[], None],
        impossible: Callable[[ConfigError], bool],
    ) -> None:
        super().__init__(
            address.name,
            prefix=prefix,
            channel_prefix=address.channels(prefix),
            requests=Requests(prefix, epoch),
            options=options,
            consumer=consumer,
            changed=changed,
        )
        self.address = address
        self._queue = WriteQueue(options.redis_queue)
        self._beat = self._ticked = 0.0
        self._timer: Any = None
        self._beat_channel = prefix + b"beat:" + uuid4().hex.encode()
        self.subscriptions.hear(self._beat_channel, self._beat_came)
        patience = max(BEATS * self._heartbeat, 0.5)
        kinds, told = (CommandConnection, SubscriberConnection), {"up": self._up, "down": self._down}
        self._pair = Pair(address, kinds, prefix, patience, impossible=impossible, **told)
        self._commands, self._subscriber = self._pair.asking, self._pair.hearing

    @property
    def command(self) -> CommandConnection | None:
        return self._commands.connection

    @property
    def subscriber(self) -> SubscriberConnection | None:
        return self._subscriber.connection

    @property
    def reign(self) -> bytes:
        connection = self._commands.connection
        return b"0" if connection is None else connection.reign

    def start(self) -> None:
        self._pair.start()
        self._tick()

    @inlineCallbacks
    def stop(self) -> Any:
        """Gives the lease back, and closes both connections."""
        if self._stopped:
            return
        self._close()
        self._pair.is_ending = True
        yield self._release()
        self._timer.cancel()
        yield self._pair.stop()
        self._set_ready(False)

    # Asking.

    def request(self, request: bytes, convert: Convert = None, script: Script | None = None) -> Deferred[Any]:
        connection = self._commands.connection
        return away() if connection is None else connection.ask(request, convert, script)

    def read(self, key: bytes, request: bytes, convert: Convert, script: Script | None = None) -> Deferred[Any]:
        connection = self._commands.connection
        if connection is None:
            return away()
        return connection.reads.ask(key, request, lambda: connection.ask(request, convert, script))

    def changes(self, key: bytes) -> None:
        if self._commands.connection is not None:
            self._commands.connection.reads.changed(key)

    def give_up(self, reason: str) -> None:
        """Throw both connections away."""
        self._pair.give_up(reason)

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

    def _settled(self) -> None:
        self._pair.settled()

    def _sync_failed(self, failure: Failure) -> None:
        if not failure.check(StorageAway):
            reason: Any = getattr(failure.value, "subFailure", failure)  # gatherResults wraps it
            if not reason.check(StorageAway):
                self.give_up(reason.getErrorMessage())

    def _tick(self) -> None:
        now = time.monotonic()
        # When it was this process that stood still, replies wait unread: that is no fault of Redis.
        if now - self._ticked > 2 * self._heartbeat:
            self._beat = now
        self._ticked = now
        self._timer = _clock.callLater(self._heartbeat, self._tick)
        if not self._pair.is_up:
            return
        if now - self._beat > BEATS * self._heartbeat:
            self.give_up(f"its heartbeat has not come back for {BEATS * self._heartbeat:g} s")
        else:
            self.ask(b"PUBLISH", self._beat_channel, b"").addErrback(lambda _: None)
            self._pair.look_home()

    def _beat_came(self) -> None:
        self._beat = time.monotonic()
