"""What waits while a partition has no master that does it: for a while everything, then the writes that `redis_queue`
has room for."""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.replies import away
from filtered_websocket.storage_objects.redis.write_queue import WriteQueue

MOST = 10_000
"""So many may wait in one partition while there is patience."""

Waiting = tuple[Callable[[], Deferred[Any]], Deferred[Any]]


class PatientQueue(WriteQueue):
    """
    :param limit: how many writes may wait when there is no patience any more
    :ivar patient: whether there is
    """

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.patient = True
        self._passing: set[Deferred[Any]] = set()

    def put(self, write: Callable[[], Deferred[Any]]) -> Deferred[Any]:
        if not self.patient:
            return super().put(write)
        return away() if len(self._waiting) >= max(MOST, self._limit) else self._append(write)

    def pass_time(self, function: Callable[[], Deferred[Any]]) -> Deferred[Any]:
        """The same for what waits only while there is patience."""
        if not self.patient or len(self._waiting) >= MOST:
            return away()
        answer = self._append(function)
        self._passing.add(answer)
        return answer

    def put_first(self, refused: list[Waiting]) -> None:
        """What was asked before all that waits, and was refused."""
        self._waiting.extendleft(reversed(refused))
        self._passing.update(answer for _, answer in refused)
        if not self.patient:
            self.lose_patience()

    def lose_patience(self) -> None:
        """Keep the writes that there is room for, and fail the rest."""
        self.patient = False
        waiting, self._waiting = self._waiting, deque()
        passing, self._passing = self._passing, set()
        failed = []
        for function, answer in waiting:
            if answer in passing or len(self._waiting) >= self._limit:
                failed.append(answer)
            else:
                self._waiting.append((function, answer))
        for answer in failed:
            answer.errback(StorageAway("Redis is away: not done"))

    def empty(self, is_open: Callable[[], bool]) -> None:
        super().empty(is_open)
        self._passing.intersection_update([answer for _, answer in self._waiting])
