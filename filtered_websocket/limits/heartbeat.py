"""Pings from the server: a client that does not answer in time is gone.

There is one timer for all connections: a wheel with a slot for each second, or for less. A connection sits in the slot
of its next event, which is the ping or the deadline of its pong. Any bytes from the client count as the pong. The clock
of a connection stands still while one of its filters is awaited, since the pong may be among the bytes that wait, and
while bytes wait for it, since the limits on slow clients decide there.

No client is judged for what this process did not do: `ticker`.
"""

import random
from typing import Protocol

from filtered_websocket.chain.clock import Clock
from filtered_websocket.limits.ticker import Ticker


class Pinged(Protocol):
    """What the heartbeat knows of a connection."""

    awaiting_pong: bool | None
    """None before a ping, True after it. The connection sets it to False when it then receives bytes."""

    slot: int
    """The heartbeat's own note: where on the wheel the connection sits."""

    def standing_still(self) -> bool:
        """Whether the clock stands: a filter is awaited, or bytes wait to be sent."""

    def sendPing(self) -> None: ...

    def ping_timed_out(self) -> None:
        """End a connection that did not answer."""


class Heartbeat:
    """The wheel of all connections.

    :param interval: seconds between pings; 0 for none
    :param timeout: seconds until the pong must be there; 0 for no limit
    :param slot: seconds of a slot: interval and timeout are rounded to so many
    """

    def __init__(self, clock: Clock, interval: float, timeout: float, slot: float = 1.0) -> None:
        self._interval = max(1, round(interval / slot)) if interval else 0
        self._timeout = max(1, round(timeout / slot)) if timeout else 0
        # Of the first ping: no sooner than in so many slots, and at random in so many.
        self._first = max(1, self._interval - 1 if slot < 1 else self._interval // 2)
        self._spread = 1 if slot < 1 else self._interval - self._first + 1
        self._slots: list[set[Pinged]] = [set() for _ in range(max(self._interval, self._timeout) + 1)]
        self._now = 0
        self._ticker = Ticker(clock, self._tick, slot)

    def start(self) -> None:
        if self._interval:
            self._ticker.start()

    def stop(self) -> None:
        self._ticker.stop()

    @property
    def pings(self) -> bool:
        """Whether there is a connection to ping."""
        return any(self._slots)

    def add(self, connection: Pinged) -> None:
        """Begin to ping. The first ping comes at random in the interval's second half: a crowd is spread. With finer
        slots it comes a slot early, so that the interval is kept however late in a slot this was called."""
        if self._interval:
            self._put(connection, self._first + int(random.random() * self._spread))  # noqa: S311 - no secret

    def remove(self, connection: Pinged) -> None:
        """Forget a connection that has ended; one that was never added is fine."""
        self._slots[connection.slot].discard(connection)

    def _put(self, connection: Pinged, slots: int) -> None:
        connection.slot = (self._now + slots) % len(self._slots)
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
