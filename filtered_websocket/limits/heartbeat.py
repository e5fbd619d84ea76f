"""Pings from the server: who does not answer in time is gone.

One timer for all connections: a wheel with a slot per second. A connection sits in the slot of its next event, the ping
or the deadline of its pong. Any bytes from the client count as the pong. The clock of a connection stands still while
one of its filters is awaited (its pong may be among the bytes that wait), and while bytes wait for it (the limits on
slow clients decide there).

Nobody is judged for what this process did not do: `Seconds`.
"""

import random
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.task import LoopingCall

LATE = 1.5
"""Seconds between two that should be one apart: the reactor was held."""


class Seconds:
    """Calls something every second, for what judges clients by time.

    It is called when what has arrived was read. A second in which the reactor was held is left out: what clients did in
    it has yet to be read, and what was to be sent to them in it has yet to go. Not two in a row, so that a process that
    is always late ends whoever is gone all the same.
    """

    def __init__(self, clock: Any, call: Callable[[], object]) -> None:
        self._clock, self._call = clock, call
        self._last = 0.0
        self._left_out = False
        self._next: Any = None
        self._loop = LoopingCall(self._tick)
        self._loop.clock = clock

    def start(self) -> None:
        self._last = self._clock.seconds()
        self._loop.start(1.0, now=False)

    def stop(self) -> None:
        if self._loop.running:
            self._loop.stop()
        if self._next is not None and self._next.active():
            self._next.cancel()

    def _tick(self) -> None:
        now = self._clock.seconds()
        late, self._last = now - self._last > LATE, now
        self._left_out = late and not self._left_out
        if not self._left_out:
            # Timers run before the sockets are read; what they set runs behind that.
            self._next = self._clock.callLater(0, self._call)


class Beating(Protocol):
    """What the heartbeat knows of a connection."""

    awaiting_pong: bool | None
    """None before a ping; True after it; whoever receives bytes then sets it to False."""

    slot: int
    """The heartbeat's own note: where on the wheel the connection sits."""

    def standing_still(self) -> bool:
        """Whether the clock stands: a filter is awaited, or bytes wait to be sent."""

    def sendPing(self) -> None: ...

    def ping_timed_out(self) -> None:
        """End a connection that did not answer."""


class Heartbeat:
    """The wheel.

    :param interval: seconds between pings; 0 for none
    :param timeout: seconds until the pong must be there; 0 for no limit
    """

    def __init__(self, clock: Any, interval: float, timeout: float) -> None:
        self._interval = max(1, round(interval)) if interval else 0
        self._timeout = max(1, round(timeout)) if timeout else 0
        self._slots: list[set[Beating]] = [set() for _ in range(max(self._interval, self._timeout) + 1)]
        self._now = 0
        self._seconds = Seconds(clock, self._tick)

    def start(self) -> None:
        if self._interval:
            self._seconds.start()

    def stop(self) -> None:
        self._seconds.stop()

    def add(self, connection: Beating) -> None:
        """Begin to ping. The first ping comes at random in the interval's second half: a crowd is spread."""
        if self._interval:
            self._put(connection, random.randint(max(1, self._interval // 2), self._interval))  # noqa: S311 - no secret

    def remove(self, connection: Beating) -> None:
        """Forget a connection that has ended; one that was never added is fine."""
        self._slots[connection.slot].discard(connection)

    def _put(self, connection: Beating, seconds: int) -> None:
        connection.slot = (self._now + seconds) % len(self._slots)
        self._slots[connection.slot].add(connection)

    def _tick(self) -> None:
        self._now += 1
        slot = self._now % len(self._slots)
        due, self._slots[slot] = self._slots[slot], set()
        for connection in due:
            if connection.standing_still():
                connection.awaiting_pong = None
                self._put(connection, 1)
            elif connection.awaiting_pong:
                connection.ping_timed_out()
            elif connection.awaiting_pong is None:
                connection.sendPing()
                connection.awaiting_pong = True if self._timeout else None
                self._put(connection, self._timeout or self._interval)
            else:
                connection.awaiting_pong = None
                self._put(connection, max(1, self._interval - self._timeout))
