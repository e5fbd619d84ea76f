"""The members of channels: one join and one leave is told of each, over any number of connections and nodes.

The storage object counts: a member is there while any connection, its holder, holds it. The node that caused a first
join or a last leave publishes it, so two nodes can publish theirs in the wrong order. Therefore a node that has
published one looks again, and corrects what has meanwhile become untrue, until what it has published is what it then
finds: what was published last is true. Storage that no other process shares cannot be overtaken, and is asked once.

What a join or leave costs does not depend on how many members there are: of them all only a client that is to have the
list is told, by its pack, which asks the storage object for `members`.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import begin
from filtered_websocket.chain.storage import Storage
from filtered_websocket.errors import StorageAway

_log = Logger()


class Full(Exception):  # noqa: N818 - a state, told as an exception
    """The channel has as many members as it may have."""


class Presence:
    """The members of all channels of one pack in one pipeline.

    :param storage: the pipeline's storage object
    :param joined: publishes a join: ``joined(channel, member, info, holder)``, the holder being left out
    :param left: publishes a leave: ``left(channel, member, info)``
    """

    def __init__(
        self,
        storage: Storage,
        joined: Callable[[str, str, str, str], Deferred[Any]],
        left: Callable[[str, str, str], Deferred[Any]],
    ) -> None:
        self._storage, self._joined, self._left = storage, joined, left

    async def join(self, channel: str, member: str, holder: str, info: str, most: int = 0) -> None:
        """Let a holder hold a member. A member that is new is told to the others.

        :param most: members that there may be; 0: any number
        :raises Full: the member would be one too many, and is not let in
        """
        storage = self._storage
        if not await storage.join(channel, member, holder, info):
            return
        if most and await storage.member_count(channel) > most:
            await storage.leave(channel, member, holder)
            raise Full
        await self._joined(channel, member, info, holder)
        await self._correct(channel, member, info, True)

    async def leave(self, channel: str, member: str, holder: str, info: str) -> None:
        """Let a holder let go. If it was the last one, the others are told."""
        if await self._storage.leave(channel, member, holder):
            await self.gone(channel, member, info)

    async def gone(self, channel: str, member: str, info: str) -> None:
        """Tell that a member has left, the storage object having said so."""
        await self._left(channel, member, info)
        await self._correct(channel, member, info, False)

    async def tell(self, channel: str, member: str, info: str) -> None:
        """Tell what is true of a member, where others may have heard something else."""
        is_here = await self._storage.member(channel, member) is not None
        await (self._joined(channel, member, info, "") if is_here else self._left(channel, member, info))
        await self._correct(channel, member, info, is_here)

    async def _correct(self, channel: str, member: str, info: str, told: bool) -> None:
        """Look again until what was published is so.

        :param told: whether it was published that the member is here
        """
        while self._storage.shared:
            info_now = await self._storage.member(channel, member)
            if (info_now is not None) is told:
                return
            told = not told
            if info_now is None:
                await self._left(channel, member, info)
            else:
                await self._joined(channel, member, info_now, "")


class Steps:
    """What one connection does in storage, a step after the other, each to its end.

    A connection that ends cancels its filter. A step half done would leave a member that nothing takes out again, so a
    step goes on, and the disconnect filter waits for it before it takes back what the connection holds.
    """

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: Deferred[None] | None = None

    def take(self, step: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        """Begin a step, at once if none is under way. A caller that cancels what is returned no longer hears of it; the
        step goes on."""
        running = begin(step if self._last is None else self._behind(self._last, step))
        if running.called and not running.paused:
            return running  # most are over at once
        over: Deferred[None] = Deferred()
        heard: Deferred[Any] = Deferred()
        self._last = over

        def ended(result: Any) -> None:
            if self._last is over:
                self._last = None
            over.callback(None)
            if not heard.called:
                heard.callback(result)
            # A signal closes no connection that has ended already.
            elif isinstance(result, Failure) and result.check(Exception) and not result.check(StorageAway):
                _log.failure("a step of a connection that has ended failed", result)

        running.addBoth(ended)
        return heard

    async def idle(self) -> None:
        """Wait until no step is under way."""
        while self._last is not None:
            await _listen(self._last)

    async def _behind(self, before: Deferred[None], step: Coroutine[Any, Any, Any]) -> Any:
        await _listen(before)
        return await step


def _listen(deferred: Deferred[None]) -> Deferred[None]:
    """The end of a step, for one of several callers that wait for it."""
    heard: Deferred[None] = Deferred()
    deferred.addCallback(lambda _: None if heard.called else heard.callback(None))
    return heard
