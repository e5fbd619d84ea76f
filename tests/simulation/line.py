"""What comes to a node over one connection: in order, each not before its time."""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from tests.simulation.clock import NodeClock

Call = Callable[[], object]


class Line:
    """
    :param seconds: the time of the world, in which things are under way while the node's own clock may stand
    :ivar delay: seconds that anything is under way at most
    """

    def __init__(self, clock: NodeClock, seconds: Callable[[], float], random: Random) -> None:
        self._clock, self._seconds, self._random = clock, seconds, random
        self.delay = 0.0
        self._last = 0.0
        self._calls: list[Any] = []
        self._under_way: deque[tuple[float, Call, Call]] = deque()

    @property
    def waits(self) -> bool:
        return bool(self._under_way)

    def put(self, come: Call, lost: Call = lambda: None) -> None:
        """Something is under way: what happens when it comes, and when the connection ends before."""
        now = self._seconds()
        self._last = max(self._last, now + self.delay * self._random.random() if self.delay else now)
        self._under_way.append((self._last, come, lost))
        if self._last > now:
            self._calls = [each for each in self._calls if each.active()]
            self._calls.append(self._clock.callLater(max(0.0, self._last - self._clock.seconds()), self._arrive))
        else:
            self._clock.callFromThread(self._arrive)

    def cut(self) -> None:
        """All that is under way is lost; nothing of it is told before the node gets time."""
        for call in self._calls:
            if call.active():
                call.cancel()
        self._calls.clear()
        gone, self._under_way = self._under_way, deque()
        for _, _, lost in gone:
            self._clock.callFromThread(lost)

    def _arrive(self) -> None:
        # Each comes by its own call, but what was held up comes at once.
        while self._under_way and self._under_way[0][0] <= self._clock.seconds():
            self._under_way.popleft()[1]()
