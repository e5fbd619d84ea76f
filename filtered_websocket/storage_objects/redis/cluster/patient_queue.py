"""What waits while a partition has no master that does it: for a while everything, then the writes that `redis_queue`
has room for."""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.cluster.room import EACH_BYTES, Room
from filtered_websocket.storage_objects.redis.replies import away
from filtered_websocket.storage_objects.redis.write_queue import WriteQueue

Waiting = tuple[Callable[[], Deferred[Any]], Deferred[Any]]


class PatientQueue(WriteQueue):
    """
    :param limit: how many writes may wait when there is no patience any more
    :param room: what all that waits while there is some is to find a place in
    :ivar patient: whether there is
    """

    def __init__(self, limit: int, room: Room) -> None:
        super().__init__(limit)
        self.patient = True
        self._room, self._taken = room, 0
        self._passing: set[Deferred[Any]] = set()

    def put(self, write: Callable[[], Deferred[Any]], size: int = 0) -> Deferred[Any]:
        if self.patient and (self._take(size) or len(self._waiting) < self._limit):
            return self._append(write)
        return away() if self.patient else super().put(write)

    def pass_time(self, function: Callable[[], Deferred[Any]], size: int | None = 0) -> Deferred[Any]:
        """The same for what waits only while there is patience.

        :param size: None: there is always room for it
        """
        if not self.patient or (size is not None and not self._take(size)):
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
        self._give_back()
        for answer in failed:
            answer.errback(StorageAway("Redis is away: not done"))

    def empty(self, is_open: Callable[[], bool]) -> None:
        super().empty(is_open)
        self._passing.intersection_update([answer for _, answer in self._waiting])
        if not self._waiting:
            self._give_back()

    def fail(self) -> None:
        super().fail()
        self._give_back()

    def _take(self, size: int) -> bool:
        size += EACH_BYTES
        if not self._room.take(size):
            return False
        self._taken += size
        return True

    def _give_back(self) -> None:
        self._room.give(self._taken)
        self._taken = 0
