"""What one channel keeps in this process's memory, and what the channels of a pool keep together."""

from collections import OrderedDict, deque
from heapq import heapify, heappop, heappush
from math import inf
from typing import Any
from uuid import uuid4

from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.base import PUBLICATION_COST, Keep


def new_epoch() -> str:
    """A name that no history had before, so that a position of an older history proves nothing in a newer one."""
    return uuid4().hex[:12]


class Kept:
    __slots__ = ("at", "cost", "history", "once", "pool", "publication")

    def __init__(
        self, at: float, publication: Publication, history: "History", pool: "PoolOfHistories", once: str | None
    ) -> None:
        self.at, self.publication, self.history, self.pool, self.once = at, publication, history, pool, once
        cost = PUBLICATION_COST + len(publication.channel)
        for payload, _ in publication.messages:
            cost += len(payload)
        self.cost = cost


class History:
    """One channel's: the offsets of ``kept`` end with ``top`` without a hole. ``names``: of what was sent once;
    ``looked_at``: when this was looked at for what has become too old, in its turn; ``lives``: for how many seconds a
    publication is kept; ``lasts``: for how many this is known after its last one."""

    __slots__ = (
        "bytes", "channel", "end", "epoch", "expires", "keep", "kept", "lasts", "lives", "looked_at", "names", "pool",
        "top", "written",
    )  # fmt: skip

    def __init__(self, channel: str, now: float, expires: float) -> None:
        self.channel, self.looked_at = channel, now
        self.epoch = new_epoch()
        self.top = self.written = self.bytes = 0
        self.names: dict[str, Position] = {}
        self.kept: deque[Kept] = deque()
        self.obey(Keep(0))
        self.expires = expires
        self.pool: PoolOfHistories | None = None
        self.end: Any = None

    def obey(self, keep: Keep) -> None:
        """From now on it keeps what this says."""
        self.keep, self.lives = keep, keep.seconds or inf
        self.lasts = self.lives + keep.meta_seconds

    def drop_oldest(self) -> Kept:
        oldest = self.kept.popleft()
        pool, cost = oldest.pool, oldest.cost
        del pool.kept[oldest]
        pool.bytes -= cost
        self.bytes -= cost
        if oldest.once is not None:
            del self.names[oldest.once]
        return oldest

    def expired(self, kept: Kept, now: float) -> bool:
        return kept.at <= now - self.lives

    def trim(self, now: float) -> None:
        keep, kept, oldest = self.keep, self.kept, now - self.lives
        # What `expired` says: this is looked at for several histories whenever something is published.
        while len(kept) > keep.count or (kept and kept[0].at <= oldest):
            self.drop_oldest()
        if keep.bytes:
            while self.bytes > keep.bytes:
                self.drop_oldest()


class PoolOfHistories:
    """``ends`` is a heap of when its channels' histories end, with one entry for each that counts, its ``end``. It may
    be too early, where the channel was written to since: that is seen when it comes up."""

    def __init__(self) -> None:
        self.kept: OrderedDict[Kept, None] = OrderedDict()
        self.bytes = self.channels = 0
        self.ends: list[tuple[float, int, History]] = []

    def next_to_end(self) -> History:
        while True:
            end = heappop(self.ends)
            expires, written, history = end
            if history.end is not end:
                continue
            if (expires, written) == (history.expires, history.written):
                return history
            self._put(history)

    def join(self, history: History) -> None:
        if history.pool is not None:
            history.pool.leave(history)
        history.pool = self
        self.channels += 1
        if len(self.ends) > 2 * self.channels + 100:  # mostly of histories that are gone
            self.ends = [end for end in self.ends if end[2].end is end]
            heapify(self.ends)
        self._put(history)

    def leave(self, history: History) -> None:
        history.pool = history.end = None
        self.channels -= 1

    def _put(self, history: History) -> None:
        history.end = (history.expires, history.written, history)
        heappush(self.ends, history.end)
