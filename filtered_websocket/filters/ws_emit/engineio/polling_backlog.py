"""What waits for a client's next GET, and what is lost of it when it becomes too much.

Rules:

1. Between two GETs anything may wait, as long as the session may be silent, and as long as all that waits in the
   pipeline is within a limit of its own. There it counts once, however many sessions it waits for, since it is held
   once.
2. Where a channel's policy is to lose messages (`connection.sending`), that holds here too: ``drop-new``, ``drop-old``
   and ``latest`` lose what was published together as a whole, and never what was sent to the client itself. One large
   message is never lost for its size.
"""

from collections import Counter, deque
from typing import NamedTuple

from filtered_websocket.filters.ws_emit.engineio.options import EngineOptions
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import Message

MAX_PACKETS = 16
"""Packets in one answer: python-socketio's client takes more for an attack and closes. What is left comes next."""
MESSAGE_SIZE = 250
"""What a message takes beside its payload's bytes: a client may have thousands of tiny ones wait, such as answers."""
LARGE = 65536
"""Bytes of what is answered alone, in an encoding that is made once for all clients that wait for it."""


class _Group(NamedTuple):
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
    """All that waits in a pipeline.

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

    def enter(self, group: _Group) -> None:
        self._size += group.overhead
        if group.batch is None:
            self._size += group.payload
            return
        self._holders[group.batch] += 1
        if group.batch not in self._shared:
            self._shared[group.batch] = group.payload
            self._size += group.payload

    def leave(self, group: _Group) -> None:
        self._size -= group.overhead
        if group.batch is None:
            self._size -= group.payload
            return
        self._holders[group.batch] -= 1
        if not self._holders[group.batch]:
            del self._holders[group.batch]
            self._size -= self._shared.pop(group.batch)


class Taken(NamedTuple):
    """What one answer has.

    :ivar batch: the hub's if it is all of one that is large, so that others may have the same answer
    """

    messages: tuple[Message, ...] = ()
    batch: Batch | None = None


class Backlog:
    """
    :param limit: bytes that may wait of channels whose policy is to lose messages
    :param total: what this is a part of
    """

    def __init__(self, limit: int, total: Total) -> None:
        self._limit, self._total = limit, total
        self._groups: deque[_Group] = deque()
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._groups)

    @property
    def is_too_large(self) -> bool:
        if self.size <= self._limit:
            return False
        large = [each.payload for each in self._groups if each.payload >= min(LARGE, self._limit)]
        return self.size - max(large, default=0) > self._limit

    def add(self, *messages: Message) -> None:
        """Behind what waits, for the client itself."""
        self._enter(_Group(None, messages))

    def keep(self, batch: Batch, policy: str) -> int:
        """The same of what was published to a channel, by a policy; how many groups are lost for it."""
        parts = [_Group(each.channel, tuple(each.messages), each) for each in batch.split()]
        if policy == "latest":
            older = [each for each in self._groups if each.channel == batch.channel]
            for each in older:
                self._remove(each)
            self._enter(parts[-1])
            return len(older) + len(parts) - 1
        lost = 0
        for group in parts:
            self._enter(group)
            if policy == "drop-new" and self.is_too_large:
                self._left(self._groups.pop())
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

    def _enter(self, group: _Group) -> None:
        self._groups.append(group)
        self.size += group.size
        self._total.enter(group)

    def _remove(self, group: _Group) -> None:
        self._groups.remove(group)
        self._left(group)

    def _left(self, group: _Group) -> None:
        self.size -= group.size
        self._total.leave(group)

    def take(self) -> Taken:
        """The oldest, as many as one answer may have. Of a group that is begun nothing is dropped."""
        taken: list[Message] = []
        while self._groups and len(taken) < MAX_PACKETS:
            group = self._groups[0]
            alone = group.payload >= LARGE
            if alone and taken:
                break
            self._left(self._groups.popleft())
            room = MAX_PACKETS - len(taken)
            taken += group.messages[:room]
            if rest := group.messages[room:]:
                self._groups.appendleft(_Group(None, rest))
                self.size += self._groups[0].size
                self._total.enter(self._groups[0])
            elif alone:
                return Taken(group.messages, group.batch)
        return Taken(tuple(taken))

    def take_all(self) -> tuple[Message, ...]:
        taken = tuple(message for group in self._groups for message in group.messages)
        for group in self._groups:
            self._total.leave(group)
        self._groups.clear()
        self.size = 0
        return taken
