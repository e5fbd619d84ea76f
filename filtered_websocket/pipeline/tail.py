"""The tail of a channel that keeps history: what this node has delivered of it last, in order, without a hole.

A client that comes back is an offset into it: nothing is kept for one client. What one publication looks like as
frames is made once, for whoever needs it, and all that miss the same get the same bytes.
"""

import time
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from filtered_websocket.messages.batch import Batch, Row
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.pipeline.worth import Worth

ENTRY_COST = 512
"""Bytes that a publication counts for beside its payloads: about what memory it takes."""
LEFT_SECONDS = 1.0
"""How long what was read from history is given without looking whether it is kept still."""


class Entry:
    """One publication as the consumer chain has left it, None if that has dropped it.

    :ivar exclude: ids of those that got nothing of it
    :ivar batch: its messages, as soon as one client has missed them
    :ivar at: when it was heard, by `time.monotonic`
    :ivar end: what this and all entries before it cost, from an arbitrary zero
    """

    __slots__ = ("at", "batch", "cost", "end", "exclude", "publication", "tail")

    def __init__(self, tail: "Tail", publication: Publication | None, exclude: Collection[str], at: float) -> None:
        self.at = at
        self.tail, self.publication, self.exclude = tail, publication, exclude
        self.batch: Batch | None = None
        self.cost = ENTRY_COST
        if publication is not None:
            for payload, _ in publication.messages:
                self.cost += len(payload)
        self.end = 0

    @property
    def is_limited(self) -> bool:
        """Whether some subscribers may be left out."""
        return bool(self.exclude) or (self.publication is not None and bool(self.publication.besides))


class Slice(NamedTuple):
    """What clients miss that stand at one offset.

    :ivar entries: those that the consumer chain has not dropped
    :ivar limited: whether some of them are not for every subscriber
    """

    entries: tuple[Entry, ...]
    publications: tuple[Publication, ...]
    batch: Row
    limited: bool


class Tail:
    """
    :ivar top: the offset that was delivered last
    :ivar base: the offset before the first entry
    :ivar floor: nothing up to this offset is kept anywhere
    :ivar far: what is missed from before this offset is more than one recovery gives back
    :ivar bridges: what positions of former epochs are worth, as far as that was asked
    :ivar pins: how many need what there is: it stays
    :ivar generation: another one where the tail has begun anew
    """

    __slots__ = (
        "_slices", "_start", "base", "bridges", "channel", "entries", "epoch", "far", "floor", "generation", "pins",
        "top",
    )  # fmt: skip

    def __init__(self, channel: str, position: Position) -> None:
        self.channel = channel
        self.entries: deque[Entry] = deque()
        self.generation = 0
        self.pins = 0
        self._slices: dict[int, Slice] = {}
        self._begin(position)

    @property
    def position(self) -> Position:
        """Where this node stands."""
        return Position(self.epoch, self.top)

    @property
    def bytes(self) -> int:
        """What the entries cost."""
        return self.entries[-1].end - self._start if self.entries else 0

    def begin(self, position: Position) -> list[Entry]:
        """Begin anew, without what came before, which is returned."""
        before = list(self.entries)
        self.entries.clear()
        self.generation += 1
        self._begin(position)
        return before

    def _begin(self, position: Position) -> None:
        self.epoch = position.epoch
        self.base = self.top = position.offset
        self.floor = self.far = self._start = 0
        self.bridges: dict[str, Worth] = {}
        self._slices.clear()

    def append(self, publication: Publication | None, exclude: Collection[str]) -> Entry:
        """The next one was delivered, or dropped by the consumer chain."""
        entry = Entry(self, publication, exclude, time.monotonic())
        entries = self.entries
        entry.end = (entries[-1].end if entries else self._start) + entry.cost
        entries.append(entry)
        self.top += 1
        if self._slices:
            self._slices.clear()
        return entry

    def extend_back(self, publications: Sequence[Publication | None], seconds: float) -> None:
        """Put in front what comes directly before the first entry, oldest first.

        :param seconds: how old it may become at most. How old it is, nobody says: it is given for `LEFT_SECONDS` more
        """
        at = time.monotonic() - max(seconds - LEFT_SECONDS, 0)
        if self.entries:
            at = min(at, self.entries[0].at)
        for publication in reversed(publications):
            entry = Entry(self, publication, () if publication is None else publication.exclude, at)
            entry.end = self._start
            self._start -= entry.cost
            self.base -= 1
            self.entries.appendleft(entry)

    def drop_oldest(self) -> Entry:
        entry = self.entries.popleft()
        self._start = entry.end
        self.base += 1
        return entry

    def expire(self, count: int, seconds: float) -> None:
        """What the channel keeps no longer is not given back either.

        :param count: how many it keeps
        :param seconds: for how long; 0: whatever their age
        """
        self.floor = max(self.floor, self.top - count)
        if seconds:
            oldest, offset = time.monotonic() - seconds, max(self.floor, self.base)
            while offset < self.top and self.entries[offset - self.base].at <= oldest:
                offset += 1
                self.floor = offset

    def size(self, offset: int) -> int:
        """What everything behind an offset costs, which is not before the first entry."""
        if offset >= self.top:
            return 0
        before = self._start if offset == self.base else self.entries[offset - self.base - 1].end
        return self.entries[-1].end - before

    def newest(self, count: int, most_bytes: int) -> tuple[int, int]:
        """The newest that the consumer chain has left, so many of them and bytes at most.

        :returns: the offset before them, and how many they are
        """
        offset, size, found = self.top, 0, 0
        for entry in reversed(self.entries):
            size += entry.cost
            if found == count or size > most_bytes or offset <= self.floor:
                break
            found += entry.publication is not None
            offset -= 1
        return offset, found

    def clear_slices(self) -> None:
        self._slices.clear()

    def behind(self, offset: int) -> Slice:
        """Everything behind an offset, which is not before the first entry."""
        made = self._slices.get(offset)
        if made is None:
            behind: Iterable[Entry] = islice(self.entries, offset - self.base, None)
            made = self._slices[offset] = self.slice_of([each for each in behind if each.publication is not None])
        return made

    def slice_of(self, entries: Sequence[Entry]) -> Slice:
        """These entries, none of which the consumer chain has dropped."""
        publications, batches, limited = [], [], False
        for entry in entries:
            publication, batch = entry.publication, entry.batch
            assert publication is not None
            if batch is None:
                batch = entry.batch = Batch(self.channel, (publication.messages,))
            publications.append(publication)
            batches.append(batch)
            limited = limited or entry.is_limited
        return Slice(tuple(entries), tuple(publications), Row(self.channel, batches), limited)
