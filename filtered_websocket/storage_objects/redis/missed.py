"""What could not be told to Redis while it was away: holders that let go, and counts. It is made good when Redis is
back, and what that changes for others is told. One that joins again before has left first: others are told of both."""

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import DONE
from filtered_websocket.storage_objects.redis.held import Entry, Held, Membership
from filtered_websocket.storage_objects.redis.interfaces import OneRedis
from filtered_websocket.storage_objects.redis.lease_scripts import ALONE
from filtered_websocket.storage_objects.redis.parts import in_parts

log = Logger()


class Leave:
    """One that let go.

    :ivar unknown: whether Redis has heard it
    :ivar is_asked: it is told again now
    """

    __slots__ = ("is_asked", "membership", "unknown")

    def __init__(self, membership: Membership, unknown: bool) -> None:
        self.membership, self.unknown, self.is_asked = membership, unknown, False


class Missed:
    """
    :param shard: whose consumer is told
    :param held: what is held, and tells Redis
    :param unsure: called when it is unknown whether Redis has heard
    """

    def __init__(self, shard: OneRedis, held: Held, unsure: Callable[[Failure], Failure]) -> None:
        self._shard, self._held, self._unsure = shard, held, unsure
        self._leaves: dict[Entry, Leave] = {}
        self._joining: dict[Entry, Leave] = {}
        self._channels: dict[str, bool] = {}

    def leave(self, entry: Entry, membership: Membership) -> None:
        """A holder let go of what it held."""
        self._leaves[entry] = Leave(membership, unknown=False)

    def not_left(self, entry: Entry, membership: Membership | None, failure: Failure) -> Failure:
        """The same, where Redis was told and has not answered."""
        if membership is not None:
            self._leaves[entry] = Leave(membership, unknown=True)
        return self._unsure(failure)

    def joining(self, entry: Entry) -> None:
        """It joins again: what Redis answers says what has become of the leave."""
        if entry in self._leaves:
            self._joining[entry] = self._leaves.pop(entry)

    def joined(self, entry: Entry, reply: int) -> bool:
        """It has joined again. Whether others were told now that it had left."""
        leave = self._joining.pop(entry, None)
        if leave is None or leave.membership.told_left:
            return False
        # Alone with the member it is where the leave was not done. First it is where it was, or others have swept it.
        has_left = reply == ALONE or (reply == 1 and (leave.unknown or leave.is_asked))
        if has_left:
            self._tell_left(entry, leave)
        return has_left

    def not_joined(self, entry: Entry) -> None:
        """It has not, for all that is known."""
        if entry in self._joining:
            self._leaves.setdefault(entry, self._joining.pop(entry))

    def swept(self) -> None:
        """Others have swept what this node held. They have told of what it let go after that, answered or not."""
        for leave in (*self._leaves.values(), *self._joining.values()):
            membership = leave.membership
            membership.told_left = membership.told_left or (leave.unknown and membership.late)

    def track(self, channel: str) -> None:
        """The count of a channel has changed."""
        self._channels.setdefault(channel, False)

    def not_tracked(self, channel: str, failure: Failure) -> Failure:
        """The same, where Redis was told and has not answered."""
        self._channels[channel] = True
        return self._unsure(failure)

    @inlineCallbacks
    def make_good(self) -> Any:
        # What is not asked, since Redis is lost again before, stays for the next time.
        yield in_parts(self._leave, list(self._leaves))
        channels, self._channels = self._channels, {}
        try:
            yield in_parts(partial(self._track, channels), list(channels))
        except Exception:
            channels.update(self._channels)
            self._channels = channels
            raise

    def _leave(self, entry: Entry) -> Deferred[Any]:
        if entry in self._held.entries:
            self._leaves.pop(entry, None)  # it has joined again
        leave = self._leaves.get(entry)
        if leave is None or leave.is_asked:
            return DONE
        leave.is_asked = True

        def left(reply: int) -> Any:
            # If the lease has ended, the sweep of the old name tells it.
            if reply == 0 and leave.unknown:  # it was done before, unless others hold it
                return self._held.is_member(entry).addCallback(left_for)
            return left_for(reply != 1)

        def left_for(others: bool) -> None:
            if self._leaves.get(entry) is not leave:
                return  # it joins again, which tells it
            del self._leaves[entry]
            if not others and not leave.membership.told_left:
                self._tell_left(entry, leave)

        def lost(failure: Failure) -> Failure:
            leave.is_asked, leave.unknown = False, True
            return self._unsure(failure)

        return self._held.leave(entry).addCallback(left).addErrback(lost)

    def _tell_left(self, entry: Entry, leave: Leave) -> None:
        channel, member, _ = entry
        tell(self._shard.consumer.member_left, channel, member, leave.membership.info)

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
