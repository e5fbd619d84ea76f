"""What could not be told to Redis while it was away: holders that let go, and counts. It is made good when Redis is
back, and what that changes for others is told."""

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.storage_objects.redis.held import Entry, Held, Membership
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
        self._leaves: dict[Entry, tuple[Membership, bool]] = {}
        self._channels: dict[str, bool] = {}

    def leave(self, entry: Entry, membership: Membership) -> None:
        """A holder let go of what it held."""
        self._leaves[entry] = membership, False

    def not_left(self, entry: Entry, membership: Membership | None, failure: Failure) -> Failure:
        """The same, where Redis was told and has not answered."""
        if membership is not None:
            self._leaves[entry] = membership, True
        return self._unsure(failure)

    def joined(self, entry: Entry) -> None:
        """It holds it again."""
        self._leaves.pop(entry, None)

    def swept(self) -> None:
        """Others have swept what this node held. They have told of what it let go after that, answered or not."""
        for membership, unknown in self._leaves.values():
            membership.told_left = membership.told_left or (unknown and membership.late)

    def track(self, channel: str) -> None:
        """The count of a channel has changed."""
        self._channels.setdefault(channel, False)

    def not_tracked(self, channel: str, failure: Failure) -> Failure:
        """The same, where Redis was told and has not answered."""
        self._channels[channel] = True
        return self._unsure(failure)

    @inlineCallbacks
    def make_good(self) -> Any:
        leaves, self._leaves = self._leaves, {}
        channels, self._channels = self._channels, {}
        try:
            yield in_parts(partial(self._leave, leaves), list(leaves))
            yield in_parts(partial(self._track, channels), list(channels))
        except Exception:
            # Redis is lost again: what it has not answered is told the next time.
            leaves.update(self._leaves)
            channels.update(self._channels)
            self._leaves, self._channels = leaves, channels
            raise

    def _leave(self, leaves: dict[Entry, tuple[Membership, bool]], entry: Entry) -> Deferred[Any]:
        membership, unknown = leaves[entry]
        if entry in self._held.entries:
            del leaves[entry]
            return DONE  # it has joined again

        def left(reply: int) -> Any:
            # If the lease has ended, the sweep of the old name tells it.
            if reply == 0 and unknown:  # it was done before, unless others hold it
                return self._held.is_member(entry).addCallback(left_for)
            return left_for(reply != 1)

        def left_for(others: bool) -> None:
            leaves.pop(entry, None)
            if not others and not membership.told_left:
                tell(self._shard.consumer.member_left, *entry[:2], membership.info)

        def lost(failure: Failure) -> Failure:
            leaves[entry] = membership, True
            return self._unsure(failure)

        return self._held.leave(entry).addCallback(left).addErrback(lost)

    def _track(self, channels: dict[str, bool], channel: str) -> Deferred[Any]:
        unknown = channels[channel]

        def tracked(edge: int) -> Any:
            if edge == 0 and unknown:
                return self._held.is_counted(channel).addCallback(tracked_by)
            return tracked_by(edge != -1)

        def tracked_by(others: bool) -> None:
            channels.pop(channel, None)
            if not others:
                tell(self._shard.consumer.vacated, channel)

        def lost(failure: Failure) -> Failure:
            channels[channel] = True
            return self._unsure(failure)

        return self._held.track_again(channel).addCallback(tracked).addErrback(lost)


def tell(function: Callable[..., object], *args: str) -> None:
    """Call a function of the consumer, which may fail."""
    try:
        function(*args)
    except Exception:
        log.failure("the consumer failed on being told {args!r}", args=args)
