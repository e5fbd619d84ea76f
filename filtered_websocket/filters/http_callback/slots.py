"""Requests at a time: questions that wait come in turn, and each kind of event has a share.

A flood of handshakes, which cost a client nothing, so keeps no message waiting for long.
"""

from collections import deque

from twisted.internet.defer import Deferred


class Full(Exception):  # noqa: N818 - what it is
    """Too many wait."""


class Slots:
    """
    :param most: that are taken at a time
    :param waiting: that wait, of each kind
    :ivar taken: that are
    """

    def __init__(self, most: int, waiting: int) -> None:
        self._most, self._most_waiting = most, waiting
        self.taken = 0
        #: kind -> what waits; the kind whose turn it is stands first
        self._waiting: dict[str, deque[Deferred[None]]] = {}

    def take(self, kind: str) -> Deferred[None]:
        """One, now or later, which `free` gives back. May be cancelled while it waits.

        :raises Full: too many wait
        """
        if self.taken < self._most:
            self.taken += 1
            now: Deferred[None] = Deferred()
            now.callback(None)
            return now
        queue = self._waiting.setdefault(kind, deque())
        if len(queue) >= self._most_waiting:
            if not queue:
                del self._waiting[kind]
            raise Full
        later: Deferred[None] = Deferred(lambda gone: self._forget(kind, gone))
        queue.append(later)
        return later

    def free(self) -> None:
        """Give one back: to the next that waits."""
        for kind, queue in self._waiting.items():
            del self._waiting[kind]
            following = queue.popleft()
            if queue:
                self._waiting[kind] = queue  # behind the others
            following.callback(None)
            return
        self.taken -= 1

    def fail(self, error: Exception) -> None:
        """All that wait get this instead."""
        waiting, self._waiting = self._waiting, {}
        for queue in waiting.values():
            while queue:
                queue.popleft().errback(error)

    def _forget(self, kind: str, gone: Deferred[None]) -> None:
        queue = self._waiting.get(kind, deque())
        if gone in queue:
            queue.remove(gone)
            if not queue:
                del self._waiting[kind]
