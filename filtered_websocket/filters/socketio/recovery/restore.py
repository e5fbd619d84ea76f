"""Whether a client that comes back may go on, from where, and with what.

Rules:

1. Its record is there, of this namespace, and its epoch is the log's, or one that a bridge joins to it.
2. Its offset is absent (it has got no event: it goes on from where its session began), one of a known epoch, or one
   that it kept from an earlier session. Anything else is no offset of this server.
3. A client that has got the newest event that there was for it when the record was written had everything up to
   there: so one that was idle goes on from that place, however long ago its last event was.
4. Everything from that place on is in the window, and no hole; and from where the record was written.
5. Orders change its rooms as they would have done live. It gets what was emitted to a room that it was in.
"""

from heapq import heappop, heappush
from typing import NamedTuple

from filtered_websocket.filters.socketio.recovery.items import Change, Disconnect, Emit, Mark
from filtered_websocket.filters.socketio.recovery.offsets import decode
from filtered_websocket.filters.socketio.recovery.record import Record
from filtered_websocket.filters.socketio.recovery.window import Entry, Window
from filtered_websocket.messages.message import Message


class Refusal(NamedTuple):
    """It begins a new session.

    :ivar reason: from a small fixed set: it is counted
    """

    reason: str


class Limits(NamedTuple):
    """
    :ivar events: most that is replayed to one client
    :ivar bytes: most that this may have
    :ivar rooms: most rooms that it may be in
    """

    events: int
    bytes: int
    rooms: int


def place_of(record: Record, offset: str | None, window: Window) -> int | Refusal:
    """The place up to which a client has everything, which may be ahead of the window: this node lags.

    :param record: of the window's epoch
    """
    if offset is None:
        place = record.born
    else:
        found = decode(offset)
        if found is None:
            return Refusal("no offset")
        tag, number = found
        end = window.end_of(tag)
        place = record.born if end is None else int(min(number, end))
    place = max(place, record.born)
    return max(place, record.at) if place >= record.seen else place


def check(record: Record, place: int, window: Window) -> Refusal | None:
    """Whether all is known that changed the record, or came behind a place."""
    known = min(place, record.at)
    if known < window.begin:
        return Refusal("trimmed")
    if known < window.hole:
        return Refusal("hole")
    if place < record.floor:
        return Refusal("rooms")
    return Refusal("behind") if max(place, record.at) > window.top else None


class Missed(NamedTuple):
    """What a client has missed.

    :ivar events: each with its attachments
    """

    events: list[tuple[Message, ...]]


def walk(record: Record, place: int, window: Window, limits: Limits) -> Missed | Refusal:
    """What a client has missed behind a place; its record becomes what it would be had the client been there.

    :param record: changed
    """
    events: list[tuple[Message, ...]] = []
    size = 0
    candidates = _Candidates(window)
    for room in {*record.rooms, *(room for room, _, _ in record.past)}:
        candidates.add(room, min(place, record.at))
    while (entry := candidates.next()) is not None:
        item, number = entry.item, entry.number
        if isinstance(item, Mark) or not record.gets(item, number):
            continue
        if isinstance(item, Emit):
            if number <= place:
                continue
            events.append(entry.messages)
            size += sum([len(payload) for payload, _ in entry.messages])
            if len(events) > limits.events or size > limits.bytes:
                return Refusal("too many")
        elif number <= record.at:
            continue  # the record has it
        elif isinstance(item, Disconnect):
            return Refusal("disconnected")
        else:
            _change(record, item, number, limits, candidates)
    record.look(window)
    return Missed(events)


def _change(record: Record, item: Change, number: int, limits: Limits, candidates: "_Candidates") -> None:
    for room in item.left:
        record.leave(room, number)
    for room in item.entered:
        if room not in record.rooms and len(record.rooms) < limits.rooms:
            record.enter(room, number)
            candidates.add(room, number)


class _Candidates:
    """Entries of several rooms in the order of their places, each once."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._heap: list[tuple[int, Entry]] = []
        self._added: set[int] = set()

    def add(self, room: str, after: int) -> None:
        for entry in self._window.of_room(room, after):
            if entry.number not in self._added:
                self._added.add(entry.number)
                heappush(self._heap, (entry.number, entry))

    def next(self) -> Entry | None:
        return heappop(self._heap)[1] if self._heap else None
