"""What channels keep, in this process's memory: the newest publications of each, in order, with their positions.

The channels of a pool share its limits: every kept publication stands in its channel's history and in its pool, which
has them in the order they came, of whichever channel.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count, islice
from typing import Any
from uuid import uuid4

from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.base import EPOCH_SECONDS, PUBLICATION_COST, Keep

SLICE = 2
"""Histories that each append, and each history that begins, looks at for what has become too old: so no append stands
for all of them, and those that are gone are never more than those that are there."""
SLICE_WHEN_FULL = 8

Dropped = Callable[[str, int, str], object]
"""Told of publications that left before their time: the limit, how many, and what was sent on which channel."""


def new_epoch() -> str:
    """A name that no history had before, so that a position of an older history proves nothing in a newer one."""
    return uuid4().hex[:12]


class _Kept:
    __slots__ = ("at", "cost", "history", "once", "pool", "publication")

    def __init__(
        self, at: float, publication: Publication, history: "_History", pool: "_Pool", once: str | None
    ) -> None:
        self.at, self.publication, self.history, self.pool, self.once = at, publication, history, pool, once
        payloads = sum([len(payload) for payload, _ in publication.messages])
        self.cost = PUBLICATION_COST + len(publication.channel) + payloads


class _History:
    """One channel's: the offsets of ``kept`` end with ``top`` without a hole. ``names``: of what was sent once."""

    __slots__ = ("bytes", "channel", "end", "epoch", "expires", "keep", "kept", "names", "pool", "top", "written")

    def __init__(self, channel: str, expires: float) -> None:
        self.channel = channel
        self.epoch = new_epoch()
        self.top = self.written = self.bytes = 0
        self.names: dict[str, Position] = {}
        self.kept: deque[_Kept] = deque()
        self.keep = Keep(0)
        self.expires = expires
        self.pool: _Pool | None = None
        self.end: Any = None

    def drop_oldest(self) -> _Kept:
        oldest = self.kept.popleft()
        del oldest.pool.kept[oldest]
        oldest.pool.bytes -= oldest.cost
        self.bytes -= oldest.cost
        if oldest.once is not None:
            del self.names[oldest.once]
        return oldest

    def expired(self, kept: _Kept, now: float) -> bool:
        return bool(self.keep.seconds) and kept.at <= now - self.keep.seconds

    def trim(self, now: float) -> None:
        while len(self.kept) > self.keep.count or (self.kept and self.expired(self.kept[0], now)):
            self.drop_oldest()
        while self.bytes > self.keep.bytes > 0:
            self.drop_oldest()


class _Pool:
    """``ends`` is a heap of when its channels' histories end, with one entry for each that counts, its ``end``. It may
    be too early, where the channel was written to since: that is seen when it comes up."""

    def __init__(self) -> None:
        self.kept: OrderedDict[_Kept, None] = OrderedDict()
        self.bytes = self.channels = 0
        self.ends: list[tuple[float, int, _History]] = []

    def next_to_end(self) -> _History:
        while True:
            end = heappop(self.ends)
            expires, written, history = end
            if history.end is not end:
                continue
            if (expires, written) == (history.expires, history.written):
                return history
            self._put(history)

    def join(self, history: _History) -> None:
        if history.pool is not None:
            history.pool.leave(history)
        history.pool = self
        self.channels += 1
        if len(self.ends) > 2 * self.channels + 100:  # mostly of histories that are gone
            self.ends = [end for end in self.ends if end[2].end is end]
            heapify(self.ends)
        self._put(history)

    def leave(self, history: _History) -> None:
        history.pool = history.end = None
        self.channels -= 1

    def _put(self, history: _History) -> None:
        history.end = (history.expires, history.written, history)
        heappush(self.ends, history.end)


class Histories:
    """The histories of all channels. Old ones go away in passing, so no timer is needed.

    :param dropped: is told of what the limits of pools have cost
    """

    def __init__(self, dropped: Dropped) -> None:
        self._dropped = dropped
        self._histories: dict[str, _History] = {}
        self._pools: OrderedDict[str, _Pool] = OrderedDict()
        # Each is looked at in turn; those that are gone leave when it is theirs.
        self._turns: deque[_History] = deque()
        self._written = count(1)

    def find(self, channel: str, once: str) -> Position | None:
        """The position of what is kept by this name."""
        history = self._known(channel)
        return None if history is None else history.names.get(once)

    def append(self, publication: Publication, keep: Keep, once: str | None = None) -> Position:
        """Keep a publication; its position, which it also carries from now on."""
        now = time.monotonic()
        history = self._of(publication.channel, now, keep.pool)
        pool = self._pool(keep.pool)
        if history.pool is not pool:
            self._make_room(pool, keep.pool, publication.channel, now)
            pool.join(history)
        history.top += 1
        history.written = next(self._written)
        history.keep = keep
        history.expires = now + keep.seconds + keep.meta_seconds if keep.seconds else float("inf")
        publication.position = Position(history.epoch, history.top)
        kept = _Kept(now, publication, history, pool, once)
        if once is not None:
            history.names[once] = publication.position
        history.kept.append(kept)
        pool.kept[kept] = None
        pool.bytes += kept.cost
        history.bytes += kept.cost
        history.trim(now)
        self._sweep(now, SLICE)
        if pool.bytes > keep.pool.bytes > 0:
            self._drop_oldest(pool, keep.pool.bytes, publication.channel, now)
        return publication.position

    def since(self, channel: str, position: Position, limit: int = 0) -> list[Publication] | None:
        """What came after a position, the oldest ``limit`` of it; None when something may be missing."""
        history = self._known(channel)
        if history is None or history.epoch != position.epoch:
            return None
        missed = history.top - position.offset
        if not 0 <= missed <= len(history.kept):
            return None
        newest = [
            kept.publication for kept in islice(reversed(history.kept), max(missed - limit, 0) if limit else 0, missed)
        ]
        newest.reverse()
        return newest

    def latest(self, channel: str, skip: int, count: int) -> list[Publication]:
        """Newest first."""
        history = self._known(channel)
        if history is None:
            return []
        return [kept.publication for kept in islice(reversed(history.kept), skip, skip + count)]

    def where(self, channel: str) -> Position | None:
        """Where the history ends, if there is one."""
        history = self._known(channel)
        return None if history is None else Position(history.epoch, history.top)

    def position(self, channel: str, pool: Pool) -> Position:
        """Where the history ends; it begins here if there is none."""
        history = self._of(channel, time.monotonic(), pool)
        return Position(history.epoch, history.top)

    def _known(self, channel: str) -> _History | None:
        """A channel's history without what is too old, if it has one."""
        history = self._histories.get(channel)
        if history is not None:
            now = time.monotonic()
            if history.expires < now:
                self._forget(history)
                return None
            history.trim(now)
        return history

    def _of(self, channel: str, now: float, limits: Pool) -> _History:
        history = self._histories.get(channel)
        if history is not None and history.expires < now:
            self._forget(history)
            history = None
        if history is None:
            pool = self._pool(limits)
            self._make_room(pool, limits, channel, now)
            history = self._histories[channel] = _History(channel, now + EPOCH_SECONDS)
            history.written = next(self._written)
            pool.join(history)
            self._turns.append(history)
            self._sweep(now, SLICE)
        return history

    def _pool(self, limits: Pool) -> _Pool:
        pool = self._pools.get(limits.name)
        if pool is None:
            for _ in range(min(SLICE, len(self._pools))):
                name, former = self._pools.popitem(last=False)
                if former.channels or former.kept:
                    self._pools[name] = former
            pool = self._pools[limits.name] = _Pool()
        return pool

    def _make_room(self, pool: _Pool, limits: Pool, channel: str, now: float) -> None:
        """For one channel more."""
        while pool.channels >= limits.channels > 0:
            history = pool.next_to_end()
            lost = sum(not history.expired(kept, now) for kept in history.kept)
            self._forget(history)
            if lost:
                self._dropped("history_channels", lost, channel)

    def _drop_oldest(self, pool: _Pool, limit: int, channel: str, now: float) -> None:
        # What is too old anyway goes first, as far as a slice finds it: a pool may be full for ever.
        self._sweep(now, SLICE_WHEN_FULL)
        lost = 0
        while pool.bytes > limit:
            history = next(iter(pool.kept)).history
            lost += not history.expired(history.drop_oldest(), now)
        if lost:
            self._dropped("history_bytes", lost, channel)

    def _forget(self, history: _History) -> None:
        while history.kept:
            history.drop_oldest()
        if history.pool is not None:
            history.pool.leave(history)
        del self._histories[history.channel]

    def _sweep(self, now: float, most: int) -> None:
        """Look at some of them, those that were not looked at for longest."""
        for _ in range(min(most, len(self._turns))):
            history = self._turns.popleft()
            if self._histories.get(history.channel) is not history:
                continue
            history.trim(now)
            if history.expires < now:
                self._forget(history)
            else:
                self._turns.append(history)
