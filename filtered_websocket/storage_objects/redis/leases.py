"""What this node holds at one Redis on behalf of its connections: presence and subscriber counts, under a lease.

The lease ends by itself when the node dies; whichever node sees that first sweeps what it held, part by part, each part
told once. A node that finds itself swept, or does not know what of its own arrived, begins again under a new name:
it claims everything it holds for the new name, then sweeps the old one, so that what it still holds makes no edge.

Nobody sweeps who has not been connected for a whole lease without a break: after an outage every lease has run out.
"""

import time
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.interfaces import OneRedis
from filtered_websocket.storage_objects.redis.lease_scripts import (
    GONE,
    JOIN,
    LEAVE,
    RELEASE,
    RENEW,
    STATE_SECONDS,
    SWEEP,
    TRACK,
)
from filtered_websocket.storage_objects.values import as_bytes, as_text

log = Logger()
RENEWALS = 8
"""Renewals, each with a look for dead nodes, in one ``lease_seconds``; a dead node's lease runs out after 2/3 of it,
and it is swept at the second look that finds it so, so that its members are gone within the whole."""
PART = b"200"
"""Entries swept in one step: Redis serves nobody else meanwhile."""

Entry = tuple[str, str, str]
"""Channel, member, holder."""


class _Held:
    __slots__ = ("answered", "info")

    def __init__(self, info: str) -> None:
        self.info, self.answered = info, False


class Leases:
    """
    :param shard: whose connection is used
    :param prefix: of all keys
    :param seconds: within which a dead node's members are gone
    """

    def __init__(self, shard: OneRedis, prefix: bytes, seconds: float) -> None:
        self._shard, self._prefix, self._seconds = shard, prefix, seconds
        self._node = b""
        self._entries: dict[Entry, _Held] = {}
        self._counts: dict[str, int] = {}
        self._dirty = True
        self._connected_since = self._refreshed = 0.0
        self._ended: set[bytes] = set()  # whose lease had ended at the last look
        self._revived: list[Deferred[Any]] = []  # who waits for the new name
        self._old: list[tuple[bytes, list[Entry]]] = []  # names to sweep, and what was swept but is still held
        self._timer: Any = None

    # What the storage object asks.

    def join(self, channel: str, member: str, holder: str, info: str) -> Deferred[bool]:
        entry = (channel, member, holder)
        self._entries.pop(entry, None)  # so that it is claimed as the newest
        held = self._entries[entry] = _Held(info)
        return self._run_join(entry, info).addCallbacks(
            self._joined, self._not_joined, callbackArgs=(entry, held), errbackArgs=(entry, held)
        )

    def leave(self, channel: str, member: str, holder: str) -> Deferred[bool]:
        entry = (channel, member, holder)
        self._entries.pop(entry, None)
        keys = (self._key(b"nodes"), self._presence(channel), self._own(b"p"))
        left = self._shard.run(LEAVE, keys, (self._node, *map(as_bytes, entry)), None)
        # Gone: the sweep of the old name tells that the member left, if this was the last holder.
        return left.addCallbacks(
            lambda reply: self._revive().addCallback(lambda _: False) if reply == GONE else reply == 1, self._unsure
        )

    def track(self, channel: str, count: int) -> Deferred[int]:
        self._note_count(channel, count)
        return self._run_track(channel, count).addCallbacks(
            lambda edge: self._revive().addCallback(lambda edges: edges.get(channel, 0)) if edge == GONE else edge,
            self._unsure,
        )

    def missed(self, entry: Entry | None = None, channel: str | None = None, count: int = 0) -> None:
        """Redis is away, and this leave or count is to be made good when it is back."""
        if entry is not None and self._entries.pop(entry, None) is not None:
            self._dirty = True
        if channel is not None:
            self._note_count(channel, count)
            self._dirty = True

    # The lease.

    @inlineCallbacks
    def resume(self) -> Any:
        """Have a lease again, and all that is held under it."""
        self._connected_since = time.monotonic()
        if self._dirty:
            yield self._revive()
        else:
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
        return self._shard.run(RELEASE, (self._key(b"nodes"), self._own(b"p"), self._own(b"t")), (self._node,), None)

    def _schedule(self) -> None:
        from twisted.internet import reactor

        self.suspend()
        clock: Any = reactor
        self._timer = clock.callLater(self._seconds / RENEWALS, self._tick)

    def _tick(self) -> None:
        self._schedule()
        self._renew().addErrback(self._tell)

    @inlineCallbacks
    def _renew(self) -> Any:
        reply = yield self._run_renew(self._node, new=False)
        if reply[0] == GONE:
            yield self._revive(swept=bool(reply[1]))
            return
        self._refresh()
        ended, self._ended = self._ended, set(reply[1:])
        if time.monotonic() - self._connected_since >= self._seconds:
            # Seen twice: when Redis's clock is set forward all leases end at once, and the living renew theirs.
            for dead in ended & self._ended:
                yield self._sweep(dead)

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
        old, self._node = self._node, uuid4().hex.encode()
        self._dirty = False
        # All of it leaves in one write, so that nothing of ours comes between.
        asked = [self._run_renew(self._node, new=True)]
        names: list[Any] = [None]
        known = [entry for entry, held in self._entries.items() if held.answered]
        for entry, held in self._entries.items():
            asked.append(self._run_join(entry, held.info))
            names.append(entry)
        for channel, count in self._counts.items():
            asked.append(self._run_track(channel, count))
            names.append(channel)
        if old:
            asked.append(self._shard.ask(b"ZADD", self._key(b"nodes"), b"XX", b"0", old))
            names.append(None)
        replies = yield gatherResults(asked, consumeErrors=True)
        edges = dict(zip(names, replies, strict=True))
        if old:
            self._old.append((old, [entry for entry in known if swept and edges[entry] == 1]))
        return edges

    @inlineCallbacks
    def _finish(self) -> Any:
        """Sweep what was held under old names and is not any more, and tell what others swept that still is."""
        while self._old:
            old, returned = self._old.pop()
            self._tell_returned(returned)
            yield self._sweep(old)

    @inlineCallbacks
    def _sweep(self, dead: bytes) -> Any:
        consumer = self._shard.consumer
        keys = (
            self._key(b"nodes"),
            self._key(b"n:", dead, b":p"),
            self._key(b"n:", dead, b":t"),
            self._key(b"totals"),
            self._key(b"occupied"),
            self._key(b"swept:", dead),
        )
        more = 1
        while more:
            more, left, vacated = yield self._shard.run(SWEEP, keys, (dead, self._key(b"p:"), PART), None)
            texts = [as_text(raw) for raw in left]
            for i in range(0, len(texts), 3):
                self._call(consumer.member_left, *texts[i : i + 3])
            for channel in vacated:
                self._call(consumer.vacated, as_text(channel))

    def _tell_returned(self, entries: list[Entry]) -> None:
        # Others were told that these members left, while only we were unreachable.
        for channel, member, holder in entries:
            held = self._entries.get((channel, member, holder))
            if held is not None:
                self._call(self._shard.consumer.member_returned, channel, member, held.info)

    # What came of it.

    def _joined(self, reply: int, entry: Entry, held: _Held) -> Any:
        if reply == GONE:
            return self._revive().addCallback(lambda edges: self._joined(edges.get(entry, 0), entry, held))
        held.answered = True
        return reply == 1

    def _not_joined(self, failure: Failure, entry: Entry, held: _Held) -> Failure:
        if self._entries.get(entry) is held:
            del self._entries[entry]
        return self._unsure(failure)

    def _unsure(self, failure: Failure) -> Failure:
        self._dirty = True
        return failure

    def _note_count(self, channel: str, count: int) -> None:
        if count:
            self._counts[channel] = count
        else:
            self._counts.pop(channel, None)

    def _tell(self, failure: Failure) -> None:
        if not failure.check(StorageAway):
            # Such as READONLY: this Redis is no master any more.
            self._shard.give_up(f"the lease cannot be renewed: {failure.getErrorMessage()}")

    @staticmethod
    def _call(function: Any, *args: Any) -> None:
        try:
            function(*args)
        except Exception:
            log.failure("the consumer failed on being told {args!r}", args=args)

    # Scripts and keys.

    def _run_join(self, entry: Entry, info: str) -> Deferred[Any]:
        keys = (self._key(b"nodes"), self._presence(entry[0]), self._own(b"p"))
        return self._shard.run(JOIN, keys, (self._node, *map(as_bytes, entry), as_bytes(info)), None)

    def _run_track(self, channel: str, count: int) -> Deferred[Any]:
        keys = (self._key(b"nodes"), self._own(b"t"), self._key(b"totals"), self._key(b"occupied"))
        return self._shard.run(TRACK, keys, (self._node, as_bytes(channel), b"%d" % count), None)

    def _run_renew(self, node: bytes, new: bool) -> Deferred[Any]:
        names = (b"nodes", b"totals", b"occupied")
        keys = (*map(self._key, names), self._own(b"p"), self._own(b"t"))
        lease = b"%d" % (self._seconds * 1000 * 2 / 3)
        values = node, lease, b"%d" % new, self._key(b"swept:", node), self._key(b"clock")
        return self._shard.run(RENEW, keys, values, None)

    def _refresh(self) -> None:
        """Presence keys live for a day; those of channels we are in are to live on."""
        now = time.monotonic()
        if now - self._refreshed >= STATE_SECONDS / 24:
            self._refreshed = now
            for channel in {channel for channel, _, _ in self._entries}:
                self._shard.ask(b"EXPIRE", self._presence(channel), b"%d" % STATE_SECONDS).addErrback(lambda _: None)

    def _key(self, *parts: bytes) -> bytes:
        return self._prefix + b"".join(parts)

    def _own(self, kind: bytes) -> bytes:
        return self._key(b"n:", self._node, b":", kind)

    def _presence(self, channel: str) -> bytes:
        return self._key(b"p:", as_bytes(channel))
