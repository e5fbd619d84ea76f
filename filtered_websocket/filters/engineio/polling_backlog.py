"""What waits for a client's next GET, and what is lost of it when it becomes too much.

Rules:

1. Between two GETs anything may wait, as long as the session may be silent, and as long as all that waits in the
   pipeline is within its limit (`polling_total`).
2. Where a channel's policy is to lose messages (`limits.backlog`), that holds here too: ``drop-new``, ``drop-old`` and
   ``latest`` lose what was published together as a whole.
"""

from typing import NamedTuple

from filtered_websocket.filters.engineio.polling_total import Group, Total
from filtered_websocket.limits.backlog import LARGE, Backlog
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import Message

MAX_PACKETS = 16
"""Packets in one answer: python-socketio's client takes more for an attack and closes. What is left comes next."""


class Taken(NamedTuple):
    """What one answer has.

    :ivar batch: the hub's if it is all of one that is large, so that others may have the same answer: its encoding is
        made once for all clients that wait for it
    """

    messages: tuple[Message, ...] = ()
    batch: Batch | None = None


class PollingBacklog(Backlog[Group]):
    """
    :param limit: bytes that may wait of channels whose policy is to lose messages
    :param total: what this is a part of
    """

    def __init__(self, limit: int, total: Total) -> None:
        super().__init__()
        self._limit, self._total = limit, total

    @property
    def is_too_large(self) -> bool:
        return self.size > self._limit and self.size - self.largest(self._limit) > self._limit

    def keep(self, batch: Batch, policy: str) -> int:
        """Keep what was published to a channel, by a policy; how many groups are lost for it."""
        groups = [Group(each.channel, tuple(each.messages), each) for each in batch.split()]
        if policy == "latest":
            older = self.remove_channel(batch.channel)
            self.add(groups[-1])
            return older + len(groups) - 1
        lost = 0
        for group in groups:
            self.add(group)
            if policy == "drop-new" and self.is_too_large:
                self.left(self.kept.pop())
                lost += 1
        return lost + (self.drop_oldest(lambda: self.is_too_large) if policy == "drop-old" else 0)

    def take(self) -> Taken:
        """The oldest, as many as one answer may have. Of a group that is begun nothing is dropped."""
        taken: list[Message] = []
        while self.kept and len(taken) < MAX_PACKETS:
            group = self.kept[0]
            alone = group.payload >= LARGE
            if alone and taken:
                break
            self.left(self.kept.popleft())
            room = MAX_PACKETS - len(taken)
            taken += group.messages[:room]
            if rest := group.messages[room:]:
                begun = Group(None, rest)
                self.kept.appendleft(begun)
                self.entered(begun)
            elif alone:
                return Taken(group.messages, group.batch)
        return Taken(tuple(taken))

    def take_all(self) -> tuple[Message, ...]:
        """All that waits, for the transport that takes over."""
        taken = tuple(message for group in self.kept for message in group.messages)
        while self.kept:
            self.left(self.kept.popleft())
        return taken

    def entered(self, entry: Group) -> None:
        super().entered(entry)
        self._total.enter(entry)

    def left(self, entry: Group) -> None:
        super().left(entry)
        self._total.leave(entry)
