"""Connections that end with their tokens.

Rules:

1. One timer for all of them.
2. The wall clock alone knows when a token ends, and it may be set while one waits: it is looked at now and then.
3. One that has gone is not kept, told or not.
4. Many that end at once end a few in a turn of the reactor.
"""

import time
from heapq import heapify, heappop, heappush
from itertools import count
from weakref import WeakKeyDictionary, WeakValueDictionary

from filtered_websocket.chain.clock import Clock, DelayedCall
from filtered_websocket.chain.interfaces import Connection

EXPIRED = 1008
LOOK_SECONDS = 60.0
"""Longest time between two looks at the wall clock."""
AT_ONCE = 200
"""Connections that end in one turn."""
SPARE = 64
"""Entries of connections that have gone, beside as many as there are connections, before they are looked for."""


class Expiries:
    """Those of one use of a filter, or of one pack."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int]] = []
        self._connections: WeakValueDictionary[int, Connection] = WeakValueDictionary()
        self._numbers: WeakKeyDictionary[Connection, int] = WeakKeyDictionary()
        self._next = count()
        self._timer: DelayedCall | None = None

    def __len__(self) -> int:
        """Connections that are yet to end."""
        return len(self._connections)

    def add(self, connection: Connection, expires: float) -> None:
        """Close a connection when its token ends.

        :param expires: seconds since the epoch
        """
        self.discard(connection)
        number = next(self._next)
        self._numbers[connection], self._connections[number] = number, connection
        heappush(self._heap, (expires, number))
        if self._heap[0][1] == number:
            self._wait()

    def discard(self, connection: Connection) -> None:
        """The connection has ended."""
        number = self._numbers.pop(connection, None)
        if number is None:
            return
        del self._connections[number]
        if not self._connections:
            self.stop()
        elif len(self._heap) > 2 * len(self._connections) + SPARE:
            self._heap = [each for each in self._heap if each[1] in self._connections]
            heapify(self._heap)

    def stop(self) -> None:
        """Close none of them any more."""
        self._cancel()
        self._heap.clear()
        self._connections.clear()
        self._numbers.clear()

    def _wait(self) -> None:
        self._cancel()
        if self._connections:
            left = max(0.0, self._heap[0][0] - time.time())
            self._timer = self._clock.callLater(min(left, LOOK_SECONDS), self._look)

    def _cancel(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _look(self) -> None:
        self._timer = None
        now, ended = time.time(), 0
        while self._heap and self._heap[0][0] <= now and ended < AT_ONCE:
            connection = self._connections.pop(heappop(self._heap)[1], None)
            if connection is not None:
                ended += 1
                self._numbers.pop(connection, None)
                connection.pipeline.server.counters.count("closed", "token expired", connection.request.peer)
                connection.close(EXPIRED, "the token has expired")
        self._wait()
