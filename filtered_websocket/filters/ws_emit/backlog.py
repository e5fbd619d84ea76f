"""What waits for a client's next GET, and what is lost of it when it becomes too much.

The rules are those of a connection whose client reads too slowly (``backpressure.py``): ``drop-new``, ``drop-old`` and
``latest`` lose what was published together as a whole, and never what was sent to the client itself.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from filtered_websocket.publication import Message

MAX_PACKETS = 16
"""Packets in one answer: python-socketio's client takes more for an attack and closes. What is left comes next."""
MESSAGE_SIZE = 250
"""What a message takes beside its payload's bytes: a client may have thousands of tiny ones wait, such as answers."""


class _Group(NamedTuple):
    """Messages that belong together; the channel is None for what was sent to the client itself."""

    channel: str | None
    messages: tuple[Message, ...]

    @property
    def size(self) -> int:
        return sum(len(payload) + MESSAGE_SIZE for payload, _ in self.messages)


class Backlog:
    """
    :param limit: bytes that may wait
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._groups: deque[_Group] = deque()
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._groups)

    @property
    def is_too_large(self) -> bool:
        return self._size > self._limit

    def add(self, channel: str | None, messages: Sequence[Message]) -> None:
        """Behind what waits."""
        group = _Group(channel, tuple(messages))
        self._groups.append(group)
        self._size += group.size

    def keep(self, channel: str, groups: Sequence[Sequence[Message]], policy: str) -> int:
        """The same of what was published to a channel, by a policy; how many groups are lost for it."""
        if policy == "latest":
            older = [each for each in self._groups if each.channel == channel]
            for each in older:
                self._remove(each)
            self.add(channel, groups[-1])
            return len(older) + len(groups) - 1
        lost = 0
        for group in groups:
            self.add(channel, group)
            if policy == "drop-new" and self.is_too_large:
                self._size -= self._groups.pop().size
                lost += 1
        return lost + (self._drop_oldest() if policy == "drop-old" else 0)

    def _drop_oldest(self) -> int:
        lost = 0
        while self.is_too_large:
            oldest = next((each for each in self._groups if each.channel is not None), None)
            if oldest is None:
                break
            self._remove(oldest)
            lost += 1
        return lost

    def _remove(self, group: _Group) -> None:
        self._groups.remove(group)
        self._size -= group.size

    def take(self) -> tuple[Message, ...]:
        """The oldest, as many as one answer may have. Of a group that is begun nothing is dropped."""
        taken: list[Message] = []
        while self._groups and len(taken) < MAX_PACKETS:
            group = self._groups.popleft()
            self._size -= group.size
            room = MAX_PACKETS - len(taken)
            taken += group.messages[:room]
            if rest := group.messages[room:]:
                self._groups.appendleft(_Group(None, rest))
                self._size += self._groups[0].size
        return tuple(taken)

    def take_all(self) -> tuple[Message, ...]:
        taken = tuple(message for group in self._groups for message in group.messages)
        self._groups.clear()
        self._size = 0
        return taken
