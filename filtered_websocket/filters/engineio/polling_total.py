"""All that waits in a pipeline for clients that poll.

It has a limit of its own. What was published counts once, however many sessions it waits for, since it is held once.
"""

from collections import Counter
from typing import NamedTuple

from filtered_websocket.filters.engineio.options import EngineOptions
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import Message

MESSAGE_SIZE = 250
"""What a message takes beside its payload's bytes: a client may have thousands of tiny ones wait, such as answers."""


class Group(NamedTuple):
    """Messages that belong together.

    :ivar channel: None for what was sent to the client itself
    :ivar batch: the hub's, which others may have wait too; None for what is only this client's
    """

    channel: str | None
    messages: tuple[Message, ...]
    batch: Batch | None = None

    @property
    def overhead(self) -> int:
        return MESSAGE_SIZE * len(self.messages)

    @property
    def payload(self) -> int:
        return sum(len(payload) for payload, _ in self.messages)

    @property
    def size(self) -> int:
        return self.payload + self.overhead


class Total:
    """
    :param options: they say how many bytes may wait beside the largest message, which several may share
    """

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._size = 0
        self._holders: Counter[Batch] = Counter()
        self._shared: dict[Batch, int] = {}

    @property
    def _limit(self) -> int:
        return self._options.polling_buffer

    @property
    def is_too_large(self) -> bool:
        return self._size > self._limit and self._beside_largest > self._limit

    @property
    def has_room(self) -> bool:
        """Whether it is well within the limit, so that it is not at once looked through all sessions again."""
        return self._beside_largest <= self._limit * 7 // 8

    @property
    def _beside_largest(self) -> int:
        return self._size - max(self._shared.values(), default=0)

    def enter(self, group: Group) -> None:
        self._size += group.overhead
        if group.batch is None:
            self._size += group.payload
            return
        self._holders[group.batch] += 1
        if group.batch not in self._shared:
            self._shared[group.batch] = group.payload
            self._size += group.payload

    def leave(self, group: Group) -> None:
        self._size -= group.overhead
        if group.batch is None:
            self._size -= group.payload
            return
        self._holders[group.batch] -= 1
        if not self._holders[group.batch]:
            del self._holders[group.batch]
            self._size -= self._shared.pop(group.batch)
