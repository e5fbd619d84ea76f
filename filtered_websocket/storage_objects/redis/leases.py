"""What this node holds at one Redis on behalf of its connections: presence and subscriber counts, under a lease.

The lease ends by itself when the node dies; whichever node sees that first sweeps what it held, part by part, each part
told once. A node that finds itself swept, or does not know what of its own arrived, begins again under a new name:
it claims everything it holds for the new name, then sweeps the old one, so that what it still holds makes no edge.

A node sweeps nothing before it has been connected for a whole lease without a break: after an outage every lease has
run out.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.python.failure import Failure

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.former import Former, FormerName
from filtered_websocket.storage_objects.redis.held import Entry, Held, Membership
from filtered_websocket.storage_objects.redis.interfaces import OneRedis
from filtered_websocket.storage_objects.redis.lease_scripts import GONE, RELEASE
from filtered_websocket.storage_objects.redis.missed import Missed
from filtered_websocket.storage_objects.redis.parts import parts, together

RENEWALS = 8
"""Renewals, each with a look for dead nodes, in one ``lease_seconds``; a dead node's lease runs out after 2/3 of it,
and it is swept at the second look that finds it so, so that its members are gone within the whole."""


class Leases:
    """
    :param shard: whose connection is used
    :param prefix: of all keys
    :param seconds: within which a dead node's members are gone
    """

    def __init__(self, shard: OneRedis, prefix: bytes, seconds: float) -> None:
        self._shard, self._seconds = shard, seconds
        self._lease = int(seconds * 1000 * 2 / 3)
        self.held = Held(shard, prefix)
        self._dirty = True  # it is unknown what of ours arrived, or is still there
        self._reign = b""  # in which all was claimed
        self._missed = Missed(shard, self.held, self._unsure)
        self._connected_since = 0.0
        self._lasts = 0.0  # when the lease ends at the earliest, by our clock
        self._ended: set[bytes] = set()  # whose lease had ended at the last look
        self._revived: list[Deferred[Any]] = []  # callers that wait for the new name
        self._former = Former(shard, self.held, int(seconds * 1000))
        self._timer: Any = None

    # What the storage object asks.

    def join(self, channel: str, member: str, holder: str, info: str) -> Deferred[bool]:
        if not self._shard.open:
            return self._shard.later(partial(self.join, channel, member, holder, info), len(info))
        entry = (channel, member, holder)
        self._missed.joining(entry)
        membership = self.held.put(entry, info)
        return self.held.join(entry, info).addCallbacks(
            self._joined, self._not_joined, callbackArgs=(entry, membership), errbackArgs=(entry, membership)
        )

    def leave(self, channel: str, member: str, holder: str) -> Deferred[bool]:
        entry = (channel, member, holder)
        membership = self.held.drop(entry)
        if membership is not None:
            membership.late = time.monotonic() >= self._lasts
        if not self._shard.open:
            if membership is not None:
                self._missed.leave(entry, membership)
            # Refused while its join waits, it would leave a member behind that nobody takes out.
            return self._shard.later(partial(self.leave, channel, member, holder), None)
        not_left = partial(self._missed.not_left, entry, membership)
        return self.held.leave(entry).addCallbacks(self._left, not_left, (membership, not_left))

    def track(self, channel: str, count: int) -> Deferred[int]:
        self.held.count(channel, count)
        return self._track(channel)

    def _track(self, channel: str) -> Deferred[int]:
        if not self._shard.open:
            self._missed.track(channel)
            return self._shard.later(partial(self._track, channel))
        return self.held.track_again(channel).addCallbacks(
            lambda edge: self._revive().addCallback(lambda edges: edges.get(channel, 0)) if edge == GONE else edge,
            partial(self._missed.not_tracked, channel),
        )

    # The lease.

    @inlineCallbacks
    def resume(self) -> Any:
        """Have a lease again, and all that is held under it."""
        self._connected_since = time.monotonic()
        if self._shard.reign != self._reign:
            # What Redis has confirmed in another reign it may have lost: joins, and leaves too.
            self._reign, self._dirty = self._shard.reign, True
        yield self._renew()

    def settled(self) -> None:
        """All works again, so that what the consumer is told it can tell others."""
        self._schedule()
        self._finish().addErrback(self._tell)

    def suspend(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def release(self) -> Deferred[Any]:
        """Let the lease end now; others sweep what is left."""
        self.suspend()
        held = self.held
        return self._shard.run(RELEASE, (held.key(b"nodes"), held.own(b"p"), held.own(b"t")), (held.name,), None)

    def _schedule(self) -> None:
        from twisted.internet import reactor

        self.suspend()
        clock: Any = reactor
        self._timer = clock.callLater(self._seconds / RENEWALS, self._tick)

    def _tick(self) -> None:
        self._schedule()
        self._renew().addCallback(self._renewed).addErrback(self._tell)

    @inlineCallbacks
    def _renew(self) -> Any:
        if self._dirty:
            yield self._revive()
            return
        asked = time.monotonic()
        reply = yield self.held.renew(self._lease, new=False)
        if reply[0] == GONE:
            yield self._revive(swept=bool(reply[1]))
            return
        self._lasts = asked + self._lease / 1000
        self.held.refresh()
        ended, self._ended = self._ended, set(reply[1:])
        if time.monotonic() - self._connected_since >= self._seconds:
            # Seen twice: when Redis's clock is set forward all leases end at once, and the living renew theirs.
            for dead in ended & self._ended:
                yield self._former.sweep(dead)

    def _renewed(self, _: Any) -> Any:
        return self._former.tell_returned() if self._shard.ready else None

    def _revive(self, swept: bool = False) -> Deferred[dict[Any, int]]:
        """Begin again under a new name; the edges this made, by entry and by channel. One at a time for all callers."""
        waiting: Deferred[dict[Any, int]] = Deferred()
        self._revived.append(waiting)
        if len(self._revived) == 1:
            self._claim_all(swept).addBoth(self._claimed)
        return waiting

    def _claimed(self, result: Any) -> None:
        revived, self._revived = self._revived, []
        self._dirty = self._dirty or isinstance(result, Failure)
        for waiting in revived:
            waiting.callback(result)  # a Failure too
        if self._shard.ready:
            self._finish().addErrback(self._tell)

    @inlineCallbacks
    def _claim_all(self, swept: bool) -> Any:
        held, former = self.held, self._former
        if held.name:
            former.unsure.append(FormerName(held.name, held.answered()))
            former.unsure[-1].swept = swept
        held.name = uuid4().hex.encode()
        self._dirty = False
        edges: dict[Any, int] = {}
        # What is asked from here on goes by the new name, and follows this on the connection.
        asked, renewed = time.monotonic(), held.renew(self._lease, new=True)
        for part in parts(held.all()):
            _, *found = yield together([renewed, *map(held.claim, part)])
            edges.update(zip(part, found, strict=True))
            asked, renewed = time.monotonic(), held.renew(self._lease, new=False)
        # Others may have swept an old name before this, or while it was under way.
        names = [each.name for each in former.unsure]
        ended = [self._shard.ask(b"ZADD", held.key(b"nodes"), b"XX", b"0", name) for name in names]
        seen = [self._shard.ask(b"EXISTS", held.key(b"swept:", name)) for name in names]
        reply, *replies = yield together([renewed, *ended, *seen])
        self._lasts = asked + self._lease / 1000
        if reply[0] == GONE or GONE in edges.values():
            self._dirty = True  # this took longer than a lease
        for each, was in zip(former.unsure, replies[len(names) :], strict=True):
            each.swept = each.swept or bool(was)
        if any(each.swept for each in former.unsure):
            self._missed.swept()
        former.claimed(edges)
        return edges

    @inlineCallbacks
    def _finish(self) -> Any:
        """Make good what was missed, sweep what was held under old names, and tell what others swept that still is."""
        yield self._missed.make_good()
        yield self._former.settle()

    # What came of it.

    def _left(self, reply: int, membership: Membership | None, not_left: Callable[[Failure], Failure]) -> Any:
        if reply == GONE:
            # The sweep of the old name tells that the member left, if this was the last holder.
            return self._revive().addCallback(lambda _: False)
        if reply != 1 or membership is None:
            return reply == 1
        if not self._former.unsure:
            return not membership.told_left
        # It was claimed a moment ago. Whether others had swept it before, and told, is known when all is claimed.
        return self._revive().addCallbacks(lambda _: not membership.told_left, not_left)

    def _joined(self, reply: int, entry: Entry, membership: Membership) -> Any:
        is_held = self.held.entries.get(entry) is membership
        # This process stood still, and others may have swept it meanwhile and told that it left.
        late = reply == 1 and is_held and time.monotonic() >= self._lasts
        if reply == GONE or late:
            # Where a claim was under way that did not know of it, the next one does.
            unknown = GONE if is_held else 0
            return self._revive().addCallback(
                lambda edges: self._joined(_edge(edges.get(entry, unknown), late), entry, membership)
            )
        membership.answered = True
        return self._missed.joined(entry, reply) or reply == 1

    def _not_joined(self, failure: Failure, entry: Entry, membership: Membership) -> Failure:
        if self.held.entries.get(entry) is membership:
            self.held.drop(entry)
        self._missed.not_joined(entry)
        return self._unsure(failure)

    def _unsure(self, failure: Failure) -> Failure:
        self._dirty = True
        return failure

    def _tell(self, failure: Failure) -> None:
        if not failure.check(StorageAway):
            # Such as READONLY: this Redis is no master any more.
            self._shard.give_up(f"the lease cannot be renewed: {failure.getErrorMessage()}")


def _edge(reply: int, was_first: bool) -> int:
    """What a join comes to that was claimed anew."""
    return 1 if was_first and reply != GONE else reply
