"""The log's tail as this node has heard it: what a client has missed is found here, and no history is read for it.

Places are offsets in the present epoch of the log. From where a client may go on: `begin`, and not from before `hole`.
When the log goes on in a new epoch and nothing is missing between the two, places of the former one are places of this
one up to where that ended (`bridges`); what was heard of it beyond that the storage object has lost.
"""

from collections import deque
from collections.abc import Callable, Iterator
from math import inf
from typing import NamedTuple

from filtered_websocket.filters.socketio.recovery.items import Emit, Item, Mark
from filtered_websocket.filters.socketio.recovery.offsets import tag
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects.base import PUBLICATION_COST

MAX_BRIDGES = 16
"""Former epochs that are remembered."""


class Entry(NamedTuple):
    """One item.

    :ivar messages: of an event, with its offset
    :ivar cost: bytes that it is counted as
    :ivar at: when it came, in seconds
    """

    number: int
    item: Item
    messages: tuple[Message, ...]
    cost: int
    at: float


class Window:
    """
    :param seconds: how long the log keeps what it has
    :param most_bytes: what may be kept here; a reload may change both
    :param now: the time
    :ivar epoch: of the log now; "" as long as that is not known
    :ivar begin: what came after this place is here, but what a consumer filter has dropped
    :ivar top: the newest place that this node has heard
    :ivar hole: the newest place before which something may be missing in the log itself
    :ivar bridges: former epochs -> the place at which each ended
    """

    def __init__(self, seconds: float, most_bytes: int, now: Callable[[], float]) -> None:
        self.seconds, self.most_bytes, self._now = seconds, most_bytes, now
        self.epoch, self.begin, self.top, self.hole, self.bytes = "", 0, 0, 0, 0
        self.bridges: dict[str, int] = {}
        self._entries: deque[Entry] = deque()
        self._rooms: dict[str, deque[Entry]] = {}
        # Where the newest stood that has left, for each room: a record that is older has yet to take account of it.
        self._left: dict[str, int] = {}

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.top)

    def __len__(self) -> int:
        return len(self._entries)

    # What comes.

    def restart(self, position: Position) -> None:
        """Something is missing before this position, or nothing is known of it: it begins anew."""
        self._forget_all()
        self.epoch, self.begin, self.top, self.hole = position.epoch, position.offset, position.offset, 0
        self.bridges = {}

    def bridge(self, position: Position) -> None:
        """A new epoch begins behind this position of it, and nothing is missing."""
        last = position.offset
        self.bridges = {epoch: min(end, last) for epoch, end in self.bridges.items()} | {self.epoch: last}
        while len(self.bridges) > MAX_BRIDGES:
            del self.bridges[next(iter(self.bridges))]
        while self._entries and self._entries[-1].number > last:
            self._forget(self._entries.pop(), newest=True)
        self.epoch, self.top = position.epoch, last
        self.begin, self.hole = min(self.begin, last), min(self.hole, last)
        self._left = {room: min(number, last) for room, number in self._left.items()}

    def append(self, number: int, item: Item, messages: tuple[Message, ...], size: int) -> Entry:
        """What comes next.

        :param messages: of an event, with its offset
        :param size: bytes that it has in the log
        """
        entry = Entry(number, item, messages, size + PUBLICATION_COST, self._now())
        self.top = number
        self._entries.append(entry)
        self.bytes += entry.cost
        for room in self._of(item):
            entries = self._rooms.get(room)
            if entries is None:
                entries = self._rooms[room] = deque()
            entries.append(entry)
        if isinstance(item, Mark) and item.hole:
            self.hole = number
        self.trim()
        return entry

    def fill(self, number: int, item: Item | None, messages: tuple[Message, ...], size: int) -> bool:
        """What the log has had just before `begin`.

        :param item: None for what a consumer filter drops
        :returns: False: it is not that, or there is no room for more
        """
        entry = Entry(number, item, messages, size + PUBLICATION_COST, self._now()) if item is not None else None
        if number != self.begin or (entry is not None and self.bytes + entry.cost > self.most_bytes):
            return False
        self.begin = number - 1
        if entry is not None:
            self._entries.appendleft(entry)
            self.bytes += entry.cost
            for room in self._of(entry.item):
                self._rooms.setdefault(room, deque()).appendleft(entry)
            if isinstance(item, Mark) and item.hole:
                self.hole = max(self.hole, number)
        return True

    @staticmethod
    def _of(item: Item) -> tuple[str, ...]:
        if isinstance(item, Mark):
            return ()
        return item.to if len(item.to) == 1 else tuple(dict.fromkeys(item.to))

    # What goes.

    def trim(self) -> None:
        """Let go what is too old or too much."""
        oldest = self._now() - self.seconds
        while self._entries and (self.bytes > self.most_bytes or self._entries[0].at < oldest):
            entry = self._entries.popleft()
            self.begin = entry.number
            self._forget(entry)
            if isinstance(entry.item, Emit):
                self._left.update(dict.fromkeys(entry.item.to, entry.number))

    def _forget(self, entry: Entry, newest: bool = False) -> None:
        self.bytes -= entry.cost
        for room in self._of(entry.item):
            entries = self._rooms[room]
            if newest:
                entries.pop()
            else:
                entries.popleft()
            if not entries:
                del self._rooms[room]

    def _forget_all(self) -> None:
        self._entries.clear()
        self._rooms.clear()
        self._left.clear()
        self.bytes = 0

    def account(self, place: int) -> None:
        """All records have taken account of what has left up to this place."""
        self._left = {room: number for room, number in self._left.items() if number > place}

    # What is asked.

    def end_of(self, wanted: str) -> float | None:
        """Up to where the places of an epoch, by its tag, are places of the present one; None: none is known."""
        if self.epoch and wanted == tag(self.epoch):
            return inf
        return next((end for epoch, end in self.bridges.items() if tag(epoch) == wanted), None)

    def of_room(self, room: str, after: int) -> Iterator[Entry]:
        """What is for a room, the newest first, down to a place."""
        for entry in reversed(self._rooms.get(room, ())):
            if entry.number <= after:
                return
            yield entry

    def left_of(self, room: str) -> int:
        """Where the newest event of a room stood that is not here any more; 0 if no record need know."""
        return self._left.get(room, 0)
