"""What waits for one client that reads more slowly than others write, and what is lost of it.

A backlog knows no transport: what it keeps are frames for a WebSocket, messages for a session that polls. Rules:

1. What was sent to the client itself, which has no channel, is never dropped.
2. Of what was published to a channel ``latest`` keeps the newest alone, and ``drop-old`` drops the oldest. What was
   published together is kept or dropped together.
3. One large message is never dropped, and no client ended, for its size alone: a limit is compared with what waits
   beside the largest, if that is large.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, Protocol, TypeVar

LARGE = 65536
"""Bytes of a message that is large, whatever the limit."""


class Kept(Protocol):
    """One entry of a backlog."""

    @property
    def channel(self) -> str | None:
        """None for what was sent to the client itself."""

    @property
    def payload(self) -> int:
        """Bytes that the client gets."""

    @property
    def size(self) -> int:
        """Bytes that it counts for."""


class Blob(NamedTuple):
    """Bytes as they go to the client, kept or dropped as a whole."""

    channel: str | None
    blob: bytes

    @property
    def payload(self) -> int:
        return len(self.blob)

    @property
    def size(self) -> int:
        return len(self.blob)


K = TypeVar("K", bound=Kept)


class Backlog(Generic[K]):
    """Entries, oldest first.

    :ivar size: what all of them count for
    """

    def __init__(self) -> None:
        self.kept: deque[K] = deque()
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self.kept)

    def __iter__(self) -> Iterator[K]:
        return iter(self.kept)

    def add(self, entry: K) -> None:
        """Keep an entry behind the others."""
        self.kept.append(entry)
        self.entered(entry)

    def remove(self, entry: K) -> None:
        """Drop an entry."""
        self.kept.remove(entry)
        self.left(entry)

    def remove_channel(self, channel: str) -> int:
        """Drop what waits of a channel, since something newer takes its place; how many entries that were."""
        older = [each for each in self.kept if each.channel == channel]
        for each in older:
            self.remove(each)
        return len(older)

    def drop_oldest(self, is_too_large: Callable[[], bool]) -> int:
        """Drop the oldest of what may be dropped until the rest is not too large any more, or there is nothing left
        that may be dropped; how many entries that were."""
        dropped = 0
        while is_too_large():
            oldest = next((each for each in self.kept if each.channel is not None), None)
            if oldest is None:
                break
            self.remove(oldest)
            dropped += 1
        return dropped

    def largest(self, limit: int) -> int:
        """Bytes of the largest entry, 0 if none is large where this is the limit."""
        large = least_large(limit)
        return max((each.payload for each in self.kept if each.payload >= large), default=0)

    def entered(self, entry: K) -> None:
        """Count an entry that has come."""
        self.size += entry.size

    def left(self, entry: K) -> None:
        """Count an entry that has gone."""
        self.size -= entry.size


def least_large(limit: int) -> int:
    """Bytes from which on a message is large where this is the limit."""
    return min(LARGE, limit)
