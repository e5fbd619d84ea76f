"""What channels keep, in this process's memory: the newest publications of each, in order, with their positions.

The channels of a pool share its limits: every kept publication stands in its channel's history and in its pool, which
has them in the order they came, of whichever channel.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import count, islice

from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.base import EPOCH_SECONDS, Keep
from filtered_websocket.storage_objects.kept import History, Kept, PoolOfHistories

SLICE = 2
"""Histories that each append, and each history that begins, looks at for what has become too old: so no append stands
for all of them, and those that are gone are never more than those that are there."""
SLICE_WHEN_FULL = 8
LAP_SECONDS = 1.0
"""A history that was looked at so lately is not looked at again: of few that are written to often nothing gets old."""

Dropped = Callable[[str, int, str], object]
"""Told of publications that left before their time: the limit, how many, and what was sent on which channel."""


class Histories:
    """The histories of all channels. Old ones go away in passing, so no timer is needed.

    :param dropped: is told of what the limits of pools have cost
    """

    def __init__(self, dropped: Dropped) -> None:
        self._dropped = dropped
        self._histories: dict[str, History] = {}
        self._pools: OrderedDict[str, PoolOfHistories] = OrderedDict()
        # Each is looked at in turn; those that are gone leave when it is theirs.
        self._turns: deque[History] = deque()
        self._rests_until = 0.0
        self._written = count(1)

    def find(self, channel: str, once: str) -> Position | None:
        """The position of what is kept by this name."""
        history = self._known(channel)
        return None if history is None else history.names.get(once)

    def append(self, publication: Publication, keep: Keep, once: str | None = None) -> Position:
        """Keep a publication; its position, which it also carries from now on."""
        now, channel = time.monotonic(), publication.channel
        history = self._histories.get(channel)
        if history is None or history.expires < now or (history.keep is not keep and history.keep != keep):
            history = self._take_up(channel, keep, now)
        pool, held = history.pool, history.kept
        assert pool is not None
        history.top = offset = history.top + 1
        history.written = next(self._written)
        history.expires = now + history.lasts
        position = publication.position = Position(history.epoch, offset)
        kept = Kept(now, publication, history, pool, once)
        if once is not None:
            history.names[once] = position
        held.append(kept)
        pool.kept[kept] = None
        cost = kept.cost
        history.bytes += cost
        pool.bytes += cost
        if len(held) > keep.count:
            history.drop_oldest()
        if keep.bytes or (held and held[0].at <= now - history.lives):
            history.trim(now)
        if now >= self._rests_until:
            self._sweep(now, SLICE)
        if pool.bytes > keep.pool.bytes > 0:
            self._drop_oldest(pool, keep.pool.bytes, channel, now)
        return position

    def _take_up(self, channel: str, keep: Keep, now: float) -> History:
        """The history of a channel that keeps from now on what this says."""
        history, pool = self._of(channel, now, keep.pool), self._pool(keep.pool)
        if history.pool is not pool:
            self._make_room(pool, keep.pool, channel, now)
            pool.join(history)
        history.obey(keep)
        history.trim(now)
        return history

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

    def clear(self, channel: str) -> bool:
        """Drop what a channel keeps; whether there was something."""
        history = self._known(channel)
        if history is None or not history.kept:
            return False
        while history.kept:
            history.drop_oldest()
        return True

    def where(self, channel: str) -> Position | None:
        """Where the history ends, if there is one."""
        history = self._known(channel)
        return None if history is None else Position(history.epoch, history.top)

    def position(self, channel: str, pool: Pool) -> Position:
        """Where the history ends; it begins here if there is none."""
        history = self._of(channel, time.monotonic(), pool)
        return Position(history.epoch, history.top)

    def _known(self, channel: str) -> History | None:
        """A channel's history without what is too old, if it has one."""
        history = self._histories.get(channel)
        if history is not None:
            now = time.monotonic()
            if history.expires < now:
                self._forget(history)
                return None
            history.trim(now)
        return history

    def _of(self, channel: str, now: float, limits: Pool) -> History:
        history = self._histories.get(channel)
        if history is not None and history.expires < now:
            self._forget(history)
            history = None
        if history is None:
            pool = self._pool(limits)
            self._make_room(pool, limits, channel, now)
            history = self._histories[channel] = History(channel, now, now + EPOCH_SECONDS)
            history.written = next(self._written)
            pool.join(history)
            self._turns.append(history)
            self._sweep(now, SLICE)
        return history

    def _pool(self, limits: Pool) -> PoolOfHistories:
        pool = self._pools.get(limits.name)
        if pool is None:
            for _ in range(min(SLICE, len(self._pools))):
                name, former = self._pools.popitem(last=False)
                if former.channels or former.kept:
                    self._pools[name] = former
            pool = self._pools[limits.name] = PoolOfHistories()
        return pool

    def _make_room(self, pool: PoolOfHistories, limits: Pool, channel: str, now: float) -> None:
        """For one channel more."""
        while pool.channels >= limits.channels > 0:
            history = pool.next_to_end()
            lost = sum(not history.expired(kept, now) for kept in history.kept)
            self._forget(history)
            if lost:
                self._dropped("history_channels", lost, channel)

    def _drop_oldest(self, pool: PoolOfHistories, limit: int, channel: str, now: float) -> None:
        # What is too old anyway goes first, as far as a slice finds it: a pool may be full for ever.
        self._sweep(now, SLICE_WHEN_FULL, lap=0)
        lost = 0
        while pool.bytes > limit:
            history = next(iter(pool.kept)).history
            lost += not history.expired(history.drop_oldest(), now)
        if lost:
            self._dropped("history_bytes", lost, channel)

    def _forget(self, history: History) -> None:
        while history.kept:
            history.drop_oldest()
        if history.pool is not None:
            history.pool.leave(history)
        del self._histories[history.channel]
        self._rests_until = 0.0  # it leaves the turns, too

    def _sweep(self, now: float, most: int, lap: float = LAP_SECONDS) -> None:
        """Look at some of them, those that were not looked at for longest.

        :param lap: for so long at least
        """
        turns, histories, lately = self._turns, self._histories, now - lap
        while most and turns:
            history = turns[0]
            most -= 1
            is_there = histories.get(history.channel) is history
            if is_there and history.looked_at > lately and len(turns) <= 2 * len(histories):
                self._rests_until = history.looked_at + LAP_SECONDS
                return
            turns.popleft()
            if not is_there:
                continue
            history.trim(now)
            if history.expires < now:
                self._forget(history)
            else:
                history.looked_at = now
                turns.append(history)
