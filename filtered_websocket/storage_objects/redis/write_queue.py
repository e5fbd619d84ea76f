"""Writes that wait while a Redis is away, as many as `redis_queue` says."""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.redis.replies import away


class WriteQueue:
    """
    :param limit: how many may wait
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[tuple[Callable[[], Deferred[Any]], Deferred[Any]]] = deque()

    def put(self, write: Callable[[], Deferred[Any]], size: int = 0) -> Deferred[Any]:
        """What the write will fire with; it fails at once if there is no room.

        :param size: bytes of what it writes, about
        """
        if len(self._waiting) >= self._limit:
            return away()
        return self._append(write)

    def _append(self, write: Callable[[], Deferred[Any]]) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()
        self._waiting.append((write, answer))
        return answer

    def empty(self, is_open: Callable[[], bool]) -> None:
        """Do them, in order, as long as it is open."""
        while self._waiting and is_open():
            write, answer = self._waiting.popleft()
            write().addBoth(answer.callback)

    def fail(self) -> None:
        """Nothing comes any more."""
        waiting, self._waiting = self._waiting, deque()
        for _, answer in waiting:
            answer.errback(StorageAway("the storage object was stopped: not done"))
