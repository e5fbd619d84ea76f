"""The share that one connection has of a reactor turn, WebSocket or HTTP.

One read brings up to 124 KiB: thousands of small frames. Were they all handled at once, all others would wait for
them. So a connection handles what fits its share. The rest waits, unparsed, for a later turn, and nothing more is read
meanwhile. All connections that wait so have one share together in each turn, and have it one after another: a flood of
many connections costs others no more than that of one. Nobody is refused by this.
"""

from collections import deque
from time import perf_counter
from typing import Protocol

from filtered_websocket.chain.clock import Clock

SHARE = 128
"""Messages that the fast path hands to the message chain in one turn. Counted: a look at the clock for each would cost
more than some filters."""

SHARE_SECONDS = 0.002
"""Time that Autobahn's parser, whose steps differ more (a ping, a MiB to inflate), has for one connection's frames."""

QUEUE_SECONDS = 0.005
"""Time in one turn for all connections that had their share in an earlier one; at least one of them proceeds."""


class Yielding(Protocol):
    """A connection that has had its share."""

    def proceed(self) -> None:
        """Handle what waits, or a part of it again. Raises nothing."""


class FairShare:
    """The connections of a server that have had their share, in the order in which they proceed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queue: deque[Yielding] = deque()

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, connection: Yielding) -> None:
        """Let a connection proceed in a later turn."""
        if not self._queue:
            self._clock.callLater(0, self._turn)
        self._queue.append(connection)

    def _turn(self) -> None:
        ends = perf_counter() + QUEUE_SECONDS
        due, self._queue = self._queue, deque()
        try:
            while due:
                due.popleft().proceed()
                if perf_counter() > ends:
                    break
        finally:
            # One that has not had its share yet comes before one that had it just now.
            again, self._queue = self._queue, due + self._queue
            if self._queue and not again:
                self._clock.callLater(0, self._turn)
