"""What could not be told to Redis while it was away: holders that let go, and counts. It is made good when Redis is
back, and what that changes for others is told."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.storage_objects.redis.held import Entry, Held
from filtered_websocket.storage_objects.redis.interfaces import OneRedis
from filtered_websocket.storage_objects.redis.parts import in_parts

log = Logger()


class Missed:
    """
    :param shard: whose consumer is told
    :param held: what is held, and tells Redis
    :param unsure: called when it is unknown whether Redis has heard
    """

    def __init__(self, shard: OneRedis, held: Held, unsure: Callable[[Failure], Failure]) -> None:
        self._shard, self._held, self._unsure = shard, held, unsure
        self._leaves: dict[Entry, str] = {}
        self._channels: set[str] = set()

    def leave(self, entry: Entry, info: str) -> None:
        """A holder let go of what it held, with this info."""
        self._leaves[entry] = info

    def joined(self, entry: Entry) -> None:
        """It holds it again."""
        self._leaves.pop(entry, None)

    def track(self, channel: str) -> None:
        """The count of a channel has changed."""
        self._channels.add(channel)

    @inlineCallbacks
    def make_good(self) -> Any:
        leaves, self._leaves = self._leaves, {}
        yield in_parts(self._leave, list(leaves.items()))
        channels, self._channels = self._channels, set()
        yield in_parts(self._track, list(channels))

    def _leave(self, missed: tuple[Entry, str]) -> Deferred[Any]:
        entry, info = missed
        if entry in self._held.entries:
            return DONE  # it has joined again

        def left(reply: int) -> None:
            # If the lease has ended, the sweep of the old name tells it.
            if reply == 1:
                tell(self._shard.consumer.member_left, entry[0], entry[1], info)

        return self._held.leave(entry).addCallbacks(left, self._unsure)

    def _track(self, channel: str) -> Deferred[Any]:
        def tracked(edge: int) -> None:
            if edge == -1:
                tell(self._shard.consumer.vacated, channel)

        return self._held.track_again(channel).addCallbacks(tracked, self._unsure)


def tell(function: Callable[..., object], *args: str) -> None:
    """Call a function of the consumer, which may fail."""
    try:
        function(*args)
    except Exception:
        log.failure("the consumer failed on being told {args!r}", args=args)
