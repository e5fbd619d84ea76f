"""The tail of a channel that keeps history: what this node has delivered of it last, in order, without a hole.

A client that comes back is an offset into it: nothing is kept for one client. What one publication looks like as
frames is made once, for all that need it, and clients that miss the same get the same bytes.
"""

import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import overload

from filtered_websocket.messages.batch import Batch, Row
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.pipeline.worth import Worth

ENTRY_COST = 512
"""Bytes that a publication counts for beside its payloads: about what memory it takes."""
MAX_SLICES = 16
"""Slices of a turn that are remembered: each may be as large as a client may miss."""
LEFT_SECONDS = 1.0
"""How long what was read from history is given without looking whether it is kept still."""


FAILED = Publication("", ())
"""Stands for one on which a consumer filter has failed, which nobody gets here."""


class Entry(Batch):
    """One publication as the consumer chain has left it, None if that has dropped it; its messages, if a client misses
    them.

    :ivar exclude: ids of those that got nothing of it
    :ivar at: when it was heard, by `time.monotonic`
    :ivar is_read: it was read from history: how old it is, nobody says
    :ivar end: what this and all entries before it cost, from an arbitrary zero
    """

    __slots__ = ("at", "cost", "end", "exclude", "is_read", "publication", "tail")

    def __init__(self, tail: "Tail", publication: Publication | None, exclude: Collection[str], at: float) -> None:
        self.channel, self._plain, self._deflated = tail.channel, None, None
        self.tail, self.publication, self.exclude, self.at = tail, publication, exclude, at
        self.is_read, self.end, cost = False, 0, ENTRY_COST
        if publication is not None:
            for payload, _ in publication.messages:
                cost += len(payload)
        self.cost = cost

    @property
    def groups(self) -> Sequence[Sequence[Message]]:  # type: ignore[override]  # few are asked for them
        return () if self.publication is None else (self.publication.messages,)


class Missed(Sequence[Publication]):
    """The publications of entries, looked at if anybody does: a plain client is sent their frames."""

    __slots__ = ("_entries", "_publications")
    __hash__ = None  # type: ignore[assignment]  # as those of publications

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._publications: list[Publication] | None = None

    @property
    def _all(self) -> list[Publication]:
        if self._publications is None:
            self._publications = [each.publication for each in self._entries if each.publication is not None]
        return self._publications

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Publication]:
        return iter(self._all)

    @overload
    def __getitem__(self, place: int) -> Publication: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Publication]: ...
    def __getitem__(self, place: int | slice) -> Publication | Sequence[Publication]:
        return self._all[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._all == list(other)

    def __repr__(self) -> str:
        return repr(self._all)


class Slice(Row):
    """What clients miss that stand at one offset.

    :ivar entries: of the tail
    :ivar limited: whether some of them may not be for every subscriber
    """

    __slots__ = ("entries", "limited", "publications")

    def __init__(self, channel: str, entries: Sequence[Entry], limited: bool) -> None:
        super().__init__(channel, entries)
        self.entries, self.limited = entries, limited
        self.publications = Missed(entries)


class Tail:
    """
    :ivar top: the offset that was delivered last
    :ivar base: the offset before the first entry
    :ivar start: what all entries before the first cost, from an arbitrary zero
    :ivar floor: nothing up to this offset is kept anywhere
    :ivar far: what is missed from before this offset is more than one recovery gives back
    :ivar hole: the last offset on which a consumer filter has failed
    :ivar bridges: what positions of former epochs are worth, as far as that was asked
    :ivar pins: how many need what there is: it stays
    :ivar generation: another one where the tail has begun anew
    """

    __slots__ = (
        "_limited", "_slices", "base", "bridges", "channel", "entries", "epoch", "far", "floor", "generation", "hole",
        "pins", "start", "top",
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
        return self.entries[-1].end - self.start if self.entries else 0

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
        self.floor = self.far = self.hole = self.start = 0
        self._limited = 0  # the last offset that may not be for every subscriber
        self.bridges: dict[str, Worth] = {}
        self._slices.clear()

    def append(self, publication: Publication | None, exclude: Collection[str]) -> Entry:
        """The next one was delivered, or dropped by the consumer chain."""
        self.top = top = self.top + 1
        if publication is FAILED:
            publication, self.hole = None, top
        entry = Entry(self, publication, exclude, time.monotonic())
        entries = self.entries
        entry.end = (entries[-1].end if entries else self.start) + entry.cost
        entries.append(entry)
        if exclude or (publication is not None and publication.besides):
            self._limited = top
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
        for each in reversed(publications):
            publication = None if each is FAILED else each
            if each is FAILED:
                self.hole = max(self.hole, self.base)
            entry = Entry(self, publication, () if publication is None else publication.exclude, at)
            entry.end, entry.is_read = self.start, True
            self.start -= entry.cost
            if entry.exclude or (publication is not None and publication.besides):
                self._limited = max(self._limited, self.base)
            self.base -= 1
            self.entries.appendleft(entry)

    def drop_oldest(self) -> Entry:
        entry = self.entries.popleft()
        self.start = entry.end
        self.base += 1
        return entry

    def expire(self, count: int, seconds: float) -> int:
        """What the channel keeps no longer is not given back either.

        :param count: how many it keeps
        :param seconds: for how long; 0: whatever their age
        :returns: how many of the first entries were read too long ago: whether they are kept still, history says
        """
        self.floor = max(self.floor, self.top - count)
        if seconds:
            oldest, offset = time.monotonic() - seconds, max(self.floor, self.base)
            while offset < self.top and (entry := self.entries[offset - self.base]).at <= oldest:
                offset += 1
                if not entry.is_read:
                    self.floor = offset
            if offset > self.floor:
                return offset - self.base
        return 0

    def size(self, offset: int) -> int:
        """What everything behind an offset costs, which is not before the first entry."""
        if offset >= self.top:
            return 0
        before = self.start if offset == self.base else self.entries[offset - self.base - 1].end
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
            if len(self._slices) >= MAX_SLICES:
                self._slices.clear()
            entries = list(islice(self.entries, offset - self.base, None))
            made = self._slices[offset] = Slice(self.channel, entries, self._limited > offset)
        return made
