"""One of the 64 partitions: it has one slot, and its home is whichever master has that.

    lost      no home: a new map is asked for, and one that was asked for since then names it
    entering  at home: it is subscribed to everything again
    open      writes are taken; ready, when every gap is filled
    held      at home, but the master does not do it now: the slot is being moved, or the cluster is down

Whatever is asked while it is not open waits, for as long as the heartbeat is not too old. What was asked and refused is
asked again before that, when all that was asked before is answered: so the order stays. Refused is not done; what a
lost connection has not answered may have been done, and is told to be unknown.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.python.failure import Failure

from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.storage_objects.base import Consumer
from filtered_websocket.storage_objects.redis.cluster.beat import CLASSIC_BEAT, SHARDED_BEAT
from filtered_websocket.storage_objects.redis.cluster.connection import NodeConnection, NodeEars
from filtered_websocket.storage_objects.redis.cluster.interfaces import Maps
from filtered_websocket.storage_objects.redis.cluster.node import Node
from filtered_websocket.storage_objects.redis.cluster.partitions import PARTITIONS, SLOTS_OF, TAGS, prefix_of, share_of
from filtered_websocket.storage_objects.redis.cluster.patient_queue import PatientQueue, Waiting
from filtered_websocket.storage_objects.redis.cluster.redirects import Kind, Redirect
from filtered_websocket.storage_objects.redis.cluster.refusals import Refusals
from filtered_websocket.storage_objects.redis.cluster.requests import PartitionRequests
from filtered_websocket.storage_objects.redis.cluster.room import Room
from filtered_websocket.storage_objects.redis.cluster.seat import Seat
from filtered_websocket.storage_objects.redis.command import Script
from filtered_websocket.storage_objects.redis.home import FORMAT, GREET, reign_of
from filtered_websocket.storage_objects.redis.replies import away
from filtered_websocket.storage_objects.redis.shard import BEATS, Shard
from filtered_websocket.storage_objects.values import Convert

_clock: Any = reactor
FIRST_DELAY, LONGEST_DELAY = 0.05, 0.5
"""Seconds until it is tried again, while it is held."""
FRESH_BEATS = 1.5
"""Heartbeat intervals: what has come back within them proves more than a map does."""


class Partition(Shard):
    """
    :param number: which one
    :param prefix: of the keys and channels of all partitions, with its colon
    :param epoch: for histories that begin with what this node sends
    :param options: ``redis_heartbeat``, ``redis_queue``, ``lease_seconds``
    :param consumer: told of all that comes
    :param changed: called when ``ready`` has changed
    :param maps: finds its home
    :param room: for what waits
    """

    _queue: PatientQueue

    def __init__(
        self,
        number: int,
        prefix: bytes,
        epoch: bytes,
        options: Any,
        consumer: Consumer,
        *,
        changed: Callable[[], None],
        maps: Maps,
        room: Room,
    ) -> None:
        own = prefix_of(prefix, number)
        self._ways = {sharded: PartitionRequests(own, epoch, sharded) for sharded in (False, True)}
        self.slot, self._tag, self._maps = SLOTS_OF[number], TAGS[number], maps
        super().__init__(
            f"slot {self.slot}",
            prefix=own,
            channel_prefix=own + b"c:",
            requests=self._ways[True],
            options=options,
            consumer=consumer,
            changed=changed,
        )
        self._guard = own + b"beat"
        self._beat_channel = own + b"beat:" + uuid4().hex.encode()
        self.subscriptions.hear(self._beat_channel, self._beat_came)
        self._queue = PatientQueue(options.redis_queue, room)
        self._seat: Seat | None = None
        self._connection: NodeConnection  # of the seat
        self._target: Node | None = None
        self._is_lost, self._lost_at = True, 0
        self._refusals = Refusals(self._drained)
        self._delay = FIRST_DELAY
        # Some try sooner than others, and all go on with the first.
        self._share = (PARTITIONS + number) / (2 * PARTITIONS)
        self._timer: Any = None
        self._heard = self._alive = time.monotonic()
        self._why = "no node has named its master"

    @property
    def _entering(self) -> bool:
        return not self._is_lost and self._timer is None and not self._refusals.waiting and not self._stopped

    @property
    def command(self) -> Seat | None:
        return None if self._is_lost else self._seat

    @property
    def subscriber(self) -> NodeEars | None:
        return None if self._is_lost or self._seat is None else self._seat.ears

    @property
    def reign(self) -> bytes:
        return b"0" if self._seat is None else self._seat.reign

    def start(self) -> None:
        self._heard = time.monotonic()

    @inlineCallbacks
    def stop(self) -> Any:
        if self._stopped:
            return
        self._close()
        yield self._release()
        self._cancel()
        self.open = False
        self._queue.fail()
        self._set_ready(False)

    # Asking.

    def call(self, script: Script, keys: Any, values: Any) -> bytes:
        # A key that never exists: `requests.py`.
        return script.request((*keys, self._guard), values)

    def pool(self, pool: Pool) -> Pool:
        return share_of(pool)

    def later(self, function: Callable[[], Deferred[Any]], size: int | None = 0) -> Deferred[Any]:
        return away() if self._stopped else self._queue.pass_time(function, size)

    def request(self, request: bytes, convert: Convert = None, script: Script | None = None) -> Deferred[Any]:
        if self.open:
            return self._connection.ask(request, convert, script)
        seat = self._seat
        if seat is not None and self._entering:
            return seat.ask(request, convert, script)
        return self.later(partial(self._again, request, convert, script), len(request))

    def read(self, key: bytes, request: bytes, convert: Convert, script: Script | None = None) -> Deferred[Any]:
        if self.open and self._seat is not None:
            reads = self._seat.connection.reads
            return reads.ask(key, request, lambda: self.request(request, convert, script))
        return self.request(request, convert, script)

    def changes(self, key: bytes) -> None:
        if self._seat is not None:
            self._seat.connection.reads.changed(key)

    def refused(
        self, redirect: Redirect | None, answer: Deferred[Any], convert: Convert, script: Script | None, request: bytes
    ) -> None:
        """Not done: it is asked again. None for the redirect: by what follows on one."""
        if self._stopped:
            answer.errback(StorageAway("the storage object was stopped: not done"))
            return
        self._refusals.add(partial(self._again, request, convert, script), answer, request)
        if redirect is not None:
            self._redirected(self._seat, redirect, redirect.kind.value)

    def _again(self, request: bytes, convert: Convert, script: Script | None) -> Deferred[Any]:
        assert isinstance(self.requests, PartitionRequests)
        request, script = self.requests.again(request, script, self.reign)
        return self.request(request, convert, script)

    # Where its home is.

    def go(self, node: Node | None, asked: int) -> None:
        """A map names its home.

        :param asked: the number of the question; what was asked before the home was lost says nothing
        """
        if self._stopped:
            return
        if self._is_lost:
            if asked > self._lost_at:
                self._target = node
                self.try_to_enter()
        elif self._seat is not None and self._seat.node is not node and not self._is_heard():
            self.lost()
            self._target = node
            self.try_to_enter()

    def _is_heard(self) -> bool:
        """Whether its home does as a home does. A map may be an old one, or name the same server by another name."""
        return self.open and time.monotonic() - self._heard < FRESH_BEATS * self._heartbeat

    def try_to_enter(self) -> None:
        node = self._target
        if not self._is_lost or self._refusals.waiting or self._stopped or node is None or not node.is_up:
            return
        former, self._seat = self._seat, Seat(node, self._redirected)
        if former is not None and former.node is not node:
            self._leave(former)
        node.admit(self._tag, self)
        self._is_lost, self._target, self._connection = False, None, self._seat.connection
        self._alive = time.monotonic()
        self._enter()

    def lost(self) -> None:
        was_home = not self._is_lost
        if was_home:
            self._cancel()
            self.leases.suspend()
            self._is_lost, self._target, self._synced, self._lost_at = True, None, None, self._maps.asked
            self._pause()
        if not self._stopped:
            self._maps.look()
            if was_home and self.subscriptions.bus:
                self.consumer.bus_gap()

    def is_at(self, node: Node) -> bool:
        """Whether it has its home there."""
        return not self._is_lost and self._seat is not None and self._seat.node is node

    def left(self, channel: bytes) -> None:
        # The heartbeat is subscribed to in every state; other channels are left by us, too.
        if channel == self._beat_channel and not self._is_lost:
            self.lost()

    def give_up(self, reason: str) -> None:
        if self._seat is not None:
            self._seat.node.tell(reason)
        self.lost()

    def _leave(self, former: Seat) -> None:
        former.node.dismiss(self._tag)
        self.subscriptions.leave_all(former.ears)

    def _redirected(self, seat: Seat | None, redirect: Redirect, reason: str) -> None:
        if seat is not self._seat or self._is_lost or self._stopped:
            return
        self._alive, self._why = time.monotonic(), reason
        if redirect.kind is Kind.MOVED:
            self.lost()
            self._maps.look(redirect.place)
        else:
            self._hold()

    def _hold(self) -> None:
        """Try again after a while."""
        if self._timer is None:
            self._timer = _clock.callLater(self._delay * self._share, self._held_enough)
            self._delay = min(2 * self._delay, LONGEST_DELAY)
            self._pause()

    def go_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._held_enough()

    def _held_enough(self) -> None:
        self._timer = None
        if not self._refusals.waiting and not self._is_lost and not self._stopped:
            self._enter()

    def _pause(self) -> None:
        """Ask nothing more before all that was asked is answered."""
        self._sync_number += 1
        self.open = False
        if self._seat is not None:
            self._refusals.begin(self._seat.connection, self)

    def _drained(self, refused: list[Waiting]) -> None:
        self._queue.put_first(refused)
        if self._stopped:
            self._queue.fail()
        elif self._is_lost:
            self.try_to_enter()
        elif self._timer is None and not self.open:
            self._enter()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Being there.

    def _enter(self) -> None:
        self._sync_number += 1
        assert self._seat is not None
        self._begin(self._sync_number, self._seat).addErrback(self._not_entered, self._sync_number)

    @inlineCallbacks
    def _begin(self, number: int, seat: Seat) -> Any:
        # A keyed script: a replica, a master without the slot, a cluster that is down answer it otherwise.
        greeting = self.call(GREET, (self.prefix + b"about",), (b"%d" % FORMAT, seat.connection.whose))
        reply = yield seat.ask(greeting, None, GREET)
        seat.node.does(self._tag)
        if number != self._sync_number:
            return
        seat.reign = reign_of(reply, self.prefix, seat.node.name)
        self.requests = self._ways[seat.connection.sharded]
        yield self._sync(number, seat, seat.ears)

    def _settled(self) -> None:
        self._delay, self._why = FIRST_DELAY, "its heartbeat does not come back"
        self._heard = self._alive = time.monotonic()
        self._queue.patient = True
        if self._seat is not None:
            self._seat.node.settled()

    def _not_entered(self, failure: Failure, number: int) -> None:
        reason: Any = getattr(failure.value, "subFailure", failure)  # gatherResults wraps it
        if number != self._sync_number or self._stopped:
            return
        if reason.check(ConfigError) and self._maps.impossible(reason.value):
            return
        # A part of it may have waited with what users ask, and be failed with that: nothing else tries again.
        if self._seat is not None and not reason.check(StorageAway):
            self._seat.node.tell(reason.getErrorMessage())
        self._hold()

    def tick(self, now: float, stood_still: bool) -> None:
        """Every heartbeat. When it was this process that stood still, replies wait unread."""
        if stood_still:
            self._heard = self._alive = now
        patience = BEATS * self._heartbeat
        if now - self._heard > patience and self._queue.patient:
            self._maps.unheard(self.slot, self._why)
            self._set_ready(False)
            self._queue.lose_patience()
        seat = self._seat
        if seat is not None and now - self._alive > patience and (self._refusals.waiting or not self._is_lost):
            # Of one that is home no more, too: as long as it owes an answer, no other home is entered.
            seat.node.give_up(f"its heartbeat has not come back for {patience:g} s")
        elif seat is not None and not self._is_lost and self._timer is None and not self._refusals.waiting:
            script = SHARDED_BEAT if seat.connection.sharded else CLASSIC_BEAT
            seat.ask(self.call(script, (), (self._beat_channel,)), None, script).addErrback(lambda _: None)
        if not self._is_heard():
            # Where it is held, too: the cluster may have gone on without a master that it was cut off from.
            self._maps.look()

    def _beat_came(self) -> None:
        self._alive = time.monotonic()
        if self.open:
            self._heard = self._alive
