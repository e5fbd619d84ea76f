"""Where one client stands in the log, as long as it is on this node."""

from typing import Any, Protocol

from twisted.internet.defer import Deferred

from filtered_websocket.filters.socketio.recovery.record import Record, proof
from filtered_websocket.filters.socketio.recovery.records import Kept, Records

Values = dict[str, Any]


class Client(Protocol):
    """What a pack tells of a client."""

    def displaced(self) -> None:
        """Another connection has its session: end this one, and say nothing to it of leaving."""

    def values(self) -> Values:
        """What is to be kept with its session, in JSON."""


class Standing:
    """
    :param pid: "" for a client that knows of no offsets: it cannot come back
    """

    __slots__ = ("_kept", "_records", "pid", "record")

    def __init__(self, pid: str, record: Record, client: Client, records: Records, former: str = "") -> None:
        self.pid, self.record, self._records = pid, record, records
        self._kept: Kept | None = records.keep(pid, record, client.displaced, client.values, former) if pid else None

    @property
    def knows(self) -> bool:
        """Whether it gets offsets."""
        return bool(self.pid)

    def enter(self, room: str) -> None:
        """It enters a room now."""
        if room not in self.record.rooms and not self._is_over:
            self.record.enter(room, self._records.window.top)
            self._changed()

    def leave(self, room: str) -> None:
        """It leaves a room now."""
        if not self._is_over:
            self.record.leave(room, self._records.window.top)
            self._changed()

    @property
    def _is_over(self) -> bool:
        """Whether its record is somebody else's now, or has been written for the last time."""
        return self._kept is not None and self._kept.ended

    def prove(self, space: str, secret: str) -> None:
        """It has given the secret of a roomspace."""
        if self.pid:
            self.record.proofs[space] = proof(self.pid, secret)

    def _changed(self) -> None:
        if self._kept is not None:
            self._records.changed(self._kept)

    def settled(self) -> Deferred[None] | None:
        """Fires when its rooms are known to all that it could come back to; None: they are."""
        return None if self._kept is None else self._records.settled(self._kept)

    def end(self, final: bool) -> None:
        """Its transport has ended; finally: it has left, or was put out."""
        if self._kept is not None:
            self._records.end(self._kept, final)

    # It moves to another transport, on another node maybe.

    def hand_over(self) -> Values:
        """What it takes along, in JSON. It stands nowhere until it has come."""
        self.record.look(self._records.window)
        if self._kept is not None:
            self._records.hand_over(self._kept)
        return {"pid": self.pid, "record": self.record.encode().decode(), "node": self._records.node}
