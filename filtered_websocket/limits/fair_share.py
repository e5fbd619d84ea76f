"""One connection's share of a reactor turn."""

from collections import deque
from time import perf_counter
from typing import Any, Protocol

SHARE = 128
"""Messages that the fast path hands to the message chain in one turn. Counted: a look at the clock for each would cost
more than some filters."""


SHARE_SECONDS = 0.002
"""Time that Autobahn's parser, whose steps differ more (a ping, a MiB to inflate), has for one connection's frames."""


REST_SECONDS = 0.005
"""Time in one turn for all connections that had their share in an earlier one; at least one of them goes on."""


class Resting(Protocol):
    """A connection that has had its share, WebSocket or HTTP."""

    def go_on(self) -> None:
        """Handle what waits, or a part of it again. Raises nothing."""


class Rests:
    """The connections of a server that have had their share, in the order in which they go on."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._queue: deque[Resting] = deque()

    def add(self, connection: Resting) -> None:
        if not self._queue:
            self._reactor.callLater(0, self._turn)
        self._queue.append(connection)

    def _turn(self) -> None:
        ends = perf_counter() + REST_SECONDS
        resting, self._queue = self._queue, deque()
        try:
            while resting:
                resting.popleft().go_on()
                if perf_counter() > ends:
                    break
        finally:
            # Who has not had it yet comes before who had it just now.
            due, self._queue = self._queue, resting + self._queue
            if self._queue and not due:
                self._reactor.callLater(0, self._turn)
