"""What one client has said, done in its order: what takes time holds up what comes behind it, and nothing else."""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.filters.socketio.packets import Packet

MAX_WAITING = 64 * 1024
"""Bytes of packets that may wait; then the client is read no further."""
OVERHEAD = 200
"""Bytes that a packet takes beside what it says, about."""


class Turns:
    """
    :param obey: does what a packet says; a Deferred that does not fail if that takes time
    """

    __slots__ = ("_is_held", "_obey", "_room", "_running", "_waiting", "size")

    def __init__(self, obey: Callable[[Packet], Deferred[Any] | None]) -> None:
        self._obey = obey
        self._waiting: deque[tuple[Packet, int]] = deque()
        self._running: Deferred[Any] | None = None
        self._room: Deferred[None] | None = None
        self._is_held = False
        self.size = 0

    def take(self, packet: Packet, size: int) -> Deferred[None] | None:
        """Do what a packet says, now or when its turn comes.

        :returns: a Deferred if too much waits: fires when there is room for more
        """
        if self._running is None and not self._waiting and not self._is_held:
            self._do(packet)
            return None
        self._waiting.append((packet, size + OVERHEAD))
        self.size += size + OVERHEAD
        if self.size <= MAX_WAITING:
            return None
        self._room = Deferred()
        return self._room

    def _do(self, packet: Packet) -> None:
        running = self._obey(packet)
        if running is not None and not running.called:
            self._running = running
            running.addBoth(self._next)

    def _next(self, _: object) -> None:
        self._running = None
        while self._waiting and self._running is None and not self._is_held:
            packet, size = self._waiting.popleft()
            self.size -= size
            self._do(packet)
        self._make_room()

    def _make_room(self) -> None:
        # One packet alone may be larger than the limit.
        if self._room is not None and (self.size <= MAX_WAITING or len(self._waiting) <= 1):
            room, self._room = self._room, None
            if not room.called:
                room.callback(None)

    def hold(self) -> None:
        """What waits goes on waiting, until it is known where it is done."""
        self._is_held = True

    def go_on(self) -> None:
        """It is done here."""
        self._is_held = False
        if self._running is None:
            self._next(None)

    @property
    def waiting(self) -> list[Packet]:
        """Packets whose turn has not come."""
        return [packet for packet, _ in self._waiting]

    def stop(self) -> None:
        """What waits is done no more, and what is being done is cancelled."""
        self.leave()
        if self._running is not None:
            self._running.cancel()

    def leave(self) -> None:
        """What waits is done elsewhere; what is being done goes on."""
        self._waiting.clear()
        self.size = 0
        self._make_room()
