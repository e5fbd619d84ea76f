"""What this node knows of the members, by what storage says and what the other nodes tell.

Rules:

1. What was published last of a member is true (`filters.shared.presence`). It is heard on a channel that no client can
   reach (`bus`).
2. What may have been missed is read anew, whole. What is heard meanwhile comes behind it.
3. What a connection of this node holds is here, whatever leave of it may yet arrive: one that a join has overtaken, or
   that others were told of while this node was cut off.
"""

from collections.abc import Callable, Collection
from typing import Any

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.presence.members import Members
from filtered_websocket.filters.presence.wire import CONNECTION, USER, read_event
from filtered_websocket.filters.shared.endings import failed
from filtered_websocket.messages.publication import Position

COMPARE_SECONDS = 15.0
"""Between two looks whether storage knows of as many members: a node that dies between a leave and telling it tells it
to nobody."""


class Hearing:
    """
    :param held: the members that connections of this node hold
    :param changed: called when clients may have something to be told
    :ivar members: as far as they are known
    """

    def __init__(self, pipeline: Pipeline, bus: str, held: Collection[str], changed: Callable[[], object]) -> None:
        self.bus, self.members = bus, Members()
        self._pipeline, self._storage, self._held, self._changed = pipeline, pipeline.storage_object, held, changed
        # What is heard while they are read; nothing is known before the first time.
        self._meanwhile: list[tuple[str, bool]] | None = []
        self._is_known = self._is_reading = self._is_stale = self._is_odd = False
        self._next_look: Any = None

    def start(self) -> None:
        self._pipeline.gaps.append(self._missed)
        self._pipeline.ready_changed.append(self._ready_changed)
        self._storage.subscribe(self.bus).addCallbacks(lambda _: self._read(), failed)
        if self._storage.shared:
            self._look_later()

    async def stop(self) -> None:
        if self._missed in self._pipeline.gaps:  # a reload of this module has taken them out
            self._pipeline.gaps.remove(self._missed)
            self._pipeline.ready_changed.remove(self._ready_changed)
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None
        await self._storage.unsubscribe(self.bus)

    @property
    def is_sure(self) -> bool:
        """Whether the members are known, and none of what was heard waits."""
        return self._meanwhile is None

    def hear(self, payload: bytes) -> None:
        """A node tells of a member."""
        heard = read_event(payload)
        if heard is not None:
            self.take(*heard)

    def take(self, member: str, is_here: bool) -> None:
        """A member is here, or is not."""
        if self._meanwhile is not None:
            self._meanwhile.append((member, is_here))
        elif is_here:
            self.members.add(member)
            self._changed()
        elif member not in self._held:
            self.members.remove(member)
            self._changed()

    def _missed(self, channel: str, position: Position | None) -> None:
        if channel == self.bus:
            self._read()

    def _ready_changed(self, ready: bool) -> None:
        if ready:
            self._read()

    def _look_later(self) -> None:
        self._next_look = self._pipeline.server.reactor.callLater(COMPARE_SECONDS, self._look)

    def _look(self) -> None:
        self._look_later()
        if self._storage.ready and self.is_sure:
            start(self._compare()).addErrback(failed)

    async def _compare(self) -> None:
        was_odd, self._is_odd = self._is_odd, len(self.members) != await self._storage.member_count(self.bus)
        # Once may be a member that is just coming or going.
        if was_odd and self._is_odd:
            self._read()

    def _read(self) -> None:
        """Read the members anew."""
        self._is_stale = True
        if not self._is_reading:
            self._is_reading = True
            self._meanwhile = self._meanwhile or []
            start(self._read_on()).addErrback(failed)

    async def _read_on(self) -> None:
        found: dict[str, str] | None = None
        try:
            while self._is_stale:
                self._is_stale = False
                found = await self._storage.members(self.bus)
        except StorageAway:
            found = None  # read when it is back
        finally:
            self._is_reading = False
        if found is not None:
            here = {each: None for each in (*found, *self._held) if each[:1] in (USER, CONNECTION)}
            self.members.become(here)
            self._is_known = True
        if self._is_known:
            heard, self._meanwhile = self._meanwhile or [], None
            for member, is_here in heard:
                self.take(member, is_here)
            self._changed()
