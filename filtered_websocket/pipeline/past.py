"""What storage says of a channel's past, for those that come back to it.

Whatever is read has a deadline, and not much is read at a time: what each read brings is in memory.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, TypeVar

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.python.failure import Failure

from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.pipeline.tail import Tail
from filtered_websocket.pipeline.worth import Worth
from filtered_websocket.storage_objects.base import BaseStorageObject

T = TypeVar("T")

READ_SECONDS = 10.0
"""How long history may take to answer."""
MAX_READS = 64
"""Reads of a pipeline that are under way at a time; others wait for their turn."""
OVERLAP = 32
"""Publications that a read asks for beyond what it needs: the newest may still be on their way to this node."""


class Before(NamedTuple):
    """
    :ivar publications: what comes directly before a tail, oldest first, without a hole
    :ivar is_all: nothing older is kept that leads to the tail
    :ivar generation: of the tail that it was read for
    :ivar base: of that tail
    """

    publications: list[Publication]
    is_all: bool
    generation: int
    base: int

    def fits(self, tail: Tail) -> bool:
        """Whether the tail still begins where it began."""
        return tail.generation == self.generation and tail.base == self.base


class Past:
    """That of a pipeline's channels.

    :param prefix: in front of their names in storage
    """

    def __init__(self, storage: BaseStorageObject, prefix: str, clock: Any) -> None:
        self._storage, self._prefix, self._clock = storage, prefix, clock
        self._turns = DeferredSemaphore(MAX_READS)

    async def before(self, tail: Tail, offset: Callable[[], int]) -> Before:
        """What comes before a tail, as far back as it is kept, but not up to this offset.

        :param offset: asked when the read begins
        """
        async with self._turn():
            generation, base, need = tail.generation, tail.base, offset()
            wanted = base - need + OVERLAP
            found = await self._limited(self._storage.latest(self._prefix + tail.channel, tail.top - base, wanted))
        fitting, oldest = _fitting(found, Position(tail.epoch, base), need)
        broken = bool(found) and (found[-1].position is None or found[-1].position.offset < oldest)
        is_all = oldest > need and (len(found) < wanted or broken)
        if found and found[0].position is not None and found[0].position.epoch != tail.epoch:
            is_all = False  # this node is yet to hear of the epoch that there is now
        return Before(fitting, is_all, generation, base)

    async def worth(self, channel: str, position: Position) -> Worth | None:
        """What a position is worth that is not of this node's epoch, or ahead of it.

        :returns: None if nothing can be proven
        """
        name = self._prefix + channel
        async with self._turn():
            missed = await self._first_missed(name, position)
            now = None
            if missed is not None and not missed:
                # It stands where the history ends, in whatever epoch that is, if nothing has come meanwhile.
                now = await self._limited(self._storage.position(name))
                missed = await self._first_missed(name, position)
        if missed is None:
            return None
        first = missed[0].position if missed else None
        if first is None:
            return None if now is None else Worth(now.epoch, now.offset, position.offset)
        return Worth(first.epoch, first.offset - 1, position.offset)

    def _first_missed(self, name: str, position: Position) -> "Deferred[list[Publication] | None]":
        return self._limited(self._storage.since(name, position, 1))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        await self._turns.acquire()
        try:
            yield
        finally:
            self._turns.release()

    def _limited(self, answer: "Deferred[T]") -> "Deferred[T]":
        return answer.addTimeout(READ_SECONDS, self._clock, _took_too_long)


def _took_too_long(result: Any, seconds: float) -> Any:
    if isinstance(result, Failure):
        raise StorageAway(f"history took longer than {seconds:g} s")
    return result


def _fitting(found: Sequence[Publication], before: Position, need: int) -> tuple[list[Publication], int]:
    """Of what was found, newest first, what ends at this position without a hole: oldest first, and what is before."""
    fitting, offset = [], before.offset
    for publication in found:
        position = publication.position
        if position is None or position.epoch != before.epoch or position.offset < offset or offset <= need:
            break
        if position.offset == offset:
            fitting.append(publication)
            offset -= 1
    fitting.reverse()
    return fitting, offset
