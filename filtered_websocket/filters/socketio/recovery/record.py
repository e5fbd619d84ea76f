"""What is known of a client: its rooms, since when it is in each, and up to where it was sent everything.

Places are offsets in the log. A client that is in a room since a place gets what comes behind it; one that has left it
at a place got what came up to there, that included. A copy of this lies in storage, under its pid.
"""

import hmac
from collections.abc import Collection, Iterable
from typing import Any

from filtered_websocket.filters.socketio.recovery.items import Emit, Order
from filtered_websocket.filters.socketio.recovery.window import Window
from filtered_websocket.messages import strict_json

MAX_PAST = 100
"""Rooms that are remembered after a client has left them."""


class Record:
    """
    :param sid: the client's id in its namespace
    :param epoch: of the log, to which all places belong
    :param born: the place at which its session began
    :param own: rooms that no order takes it out of
    :ivar rooms: those that it is in -> since when
    :ivar past: what it was in: room, since when, until when
    :ivar proofs: a roomspace -> `proof` of the secret that it gave
    :ivar at: up to here it was sent everything
    :ivar seen: the newest place of an event for it that is not behind `at`
    :ivar floor: of what was before this place not everything is known any more
    :ivar values: what the pack keeps with it, in JSON
    """

    __slots__ = ("at", "born", "epoch", "floor", "own", "past", "proofs", "rooms", "seen", "sid", "values")

    def __init__(self, sid: str, epoch: str, born: int, own: Iterable[str] = ()) -> None:
        self.sid, self.epoch, self.born = sid, epoch, born
        self.own = list(own)
        self.at, self.seen, self.floor = born, 0, 0
        self.rooms: dict[str, int] = {}
        self.past: list[tuple[str, int, int]] = []
        self.proofs: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    # Rooms.

    def enter(self, room: str, place: int) -> None:
        """It enters a room; in a room that it is in nothing changes."""
        self.rooms.setdefault(room, place)

    def leave(self, room: str, place: int) -> None:
        """It leaves a room."""
        if room in self.own:
            return
        since = self.rooms.pop(room, None)
        if since is None or since == place:
            return
        self.past.append((room, since, place))
        if len(self.past) > MAX_PAST:
            forgotten = self.past.pop(0)[2]
            self.floor, self.seen = max(self.floor, forgotten), max(self.seen, forgotten)

    def was_in(self, rooms: Collection[str], place: int) -> bool:
        """Whether it was in one of these rooms when this place came."""
        for room in rooms:
            since = self.rooms.get(room)
            if since is not None and since < place:
                return True
        return bool(self.past) and any(room in rooms and since < place <= until for room, since, until in self.past)

    def gets(self, item: Emit | Order, place: int) -> bool:
        """Whether an item at this place is for it."""
        sid = "" if isinstance(item, Emit) else item.sid
        return sid in ("", self.sid) and self.was_in(item.to, place) and not (item.but and self.was_in(item.but, place))

    # How far it is.

    def look(self, window: Window) -> None:
        """It was sent everything up to now."""
        seen = max(self.seen, *(self._newest(room, since, window.top, window) for room, since in self.rooms.items()), 0)
        for room, since, until in self.past:
            seen = max(seen, self._newest(room, since, until, window))
        self.past = [each for each in self.past if each[2] > window.begin]
        self.at, self.seen = window.top, seen

    def _newest(self, room: str, since: int, until: int, window: Window) -> int:
        """The newest place of an event that it got in a room; of what has left the window, of any."""
        for entry in window.of_room(room, since):
            if entry.number <= until and isinstance(entry.item, Emit) and self.gets(entry.item, entry.number):
                return entry.number
        left = window.left_of(room)
        return left if max(since, self.at) < left <= until else 0

    def bridge(self, epoch: str, end: int) -> None:
        """The log goes on in another epoch: up to this place all is as it was, what was beyond it is lost."""
        self.epoch = epoch
        self.born, self.at, self.seen = min(self.born, end), min(self.at, end), min(self.seen, end)
        self.floor = min(self.floor, end)
        self.rooms = {room: min(since, end) for room, since in self.rooms.items()}
        self.past = [(room, min(since, end), min(until, end)) for room, since, until in self.past]

    def copy(self) -> "Record":
        """One that changes by itself."""
        made = Record(self.sid, self.epoch, self.born)
        for name in self.__slots__:
            value = getattr(self, name)
            setattr(made, name, value.copy() if isinstance(value, (dict, list)) else value)
        return made

    # Its copy in storage.

    def encode(self) -> bytes:
        """As JSON."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return strict_json.dumps(values).encode()

    @classmethod
    def decode(cls, data: str | bytes) -> "Record":
        """What `encode` has made.

        :raises ValueError: it is nothing of the kind
        """
        try:
            values = strict_json.loads(data)
            made = cls(values["sid"], values["epoch"], values["born"])
            for name in ("at", "seen", "floor", "own", "rooms", "proofs", "values"):
                setattr(made, name, values[name])
            made.past = [(room, since, until) for room, since, until in values["past"]]
        except (KeyError, TypeError) as error:
            raise ValueError(f"no record of a session: {error!r}") from None
        return made


def proof(pid: str, secret: str | bytes) -> str:
    """What shows later that a secret is still the same, and tells it to nobody."""
    raw = secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else secret
    return hmac.new(pid.encode(), raw, "sha256").hexdigest()[:32]
