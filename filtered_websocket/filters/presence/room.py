"""The clients of this node that are together in one channel, and what they are told.

Clients are told once in a turn what has changed. Those that are new get the list then, behind it, and are in the
channel from there on.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Connection, Options, Pipeline
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.presence.hearing import Hearing
from filtered_websocket.filters.presence.place import Place
from filtered_websocket.filters.presence.wire import CONNECTION, event, member_of
from filtered_websocket.filters.shared.endings import failed, under_way
from filtered_websocket.filters.shared.presence import Presence
from filtered_websocket.messages.publication import Publication


class Room:
    """
    :param options: gives those of the use as they are now
    :ivar places: of the connections of this node
    """

    def __init__(self, pipeline: Pipeline, options: Callable[[], Options]) -> None:
        self.channel: str = options().presence_channel
        self.bus = f"\0presence {self.channel}"
        self.places: dict[Connection, Place] = {}
        self._pipeline, self._options, self._storage = pipeline, options, pipeline.storage_object
        self._presence = Presence(self._storage, self._joined, self._left)
        self._held: dict[str, set[Place]] = {}
        self._hearing = Hearing(pipeline, self.bus, self._held, self._tell_soon)
        self.hear = self._hearing.hear
        # Members that others may not have heard the truth of.
        self._untold: set[str] = set()
        self._newcomers: dict[Place, Deferred[Any]] = {}
        self._is_due = False

    def start(self) -> None:
        pipeline = self._pipeline
        pipeline.member_left.append(self._gone)
        pipeline.member_returned.append(self._returned)
        pipeline.ready_changed.append(self._ready_changed)
        self._hearing.start()

    async def stop(self) -> None:
        """The filter is there no more, though its clients may be. Again is fine."""
        pipeline = self._pipeline
        if self._gone in pipeline.member_left:
            pipeline.member_left.remove(self._gone)
            pipeline.member_returned.remove(self._returned)
            pipeline.ready_changed.remove(self._ready_changed)
        for place in [*self.places.values()]:
            place.connection.unsubscribe(self.channel)
            await self._leave(place)
        self.places.clear()
        await self._hearing.stop()

    # Clients.

    async def enter(self, connection: Connection) -> None:
        """Over when the client has the list.

        :raises NotAllowed: its user's name is not to be shown, or it is in too many channels
        :raises StorageAway: it cannot be counted
        """
        place = Place(connection)
        member = self._member_of(place)
        self.places[connection] = place
        await place.steps.take(self._hold(place, member))
        has_list: Deferred[Any] = Deferred(lambda _: self._forget(place))
        self._newcomers[place] = has_list
        self._tell_soon()
        await has_list

    async def rename(self, place: Place) -> None:
        """The connection has another user now; raises as `enter` does."""
        place.user = place.connection.user
        await place.steps.take(self._hold(place, self._member_of(place)))

    def leave(self, connection: Connection) -> "Deferred[Any] | None":
        """The connection has ended."""
        place = self.places.pop(connection, None)
        if place is None:
            return None
        self._forget(place)
        return under_way(start(self._leave(place)), self._pipeline.server)

    def _member_of(self, place: Place) -> str | None:
        member = member_of(place.user, place.connection.id)
        return None if member[0] == CONNECTION and self._options().presence_anonymous == "none" else member

    def _forget(self, place: Place) -> None:
        """It waits for no list."""
        self._newcomers.pop(place, None)

    async def _hold(self, place: Place, member: str | None) -> None:
        former = tuple(place.members)
        if member is not None:
            place.members.append(member)
            await self._presence.join(self.bus, member, place.holder, "")
            self._held.setdefault(member, set()).add(place)
            self._hearing.take(member, True)
        for each in former:
            await self._let_go(place, each)

    async def _leave(self, place: Place) -> None:
        await place.steps.idle()
        for each in tuple(place.members):
            await self._let_go(place, each)

    async def _let_go(self, place: Place, member: str) -> None:
        place.members.remove(member)
        held = self._held.get(member, set())
        held.discard(place)
        if not held:
            self._held.pop(member, None)
        try:
            await self._presence.leave(self.bus, member, place.holder, "")
        except StorageAway:
            return  # its lease sees to it

    # What the other nodes are told.

    def _joined(self, channel: str, member: str, info: str, holder: str) -> "Deferred[Any]":
        return self._send(member, True)

    def _left(self, channel: str, member: str, info: str) -> "Deferred[Any]":
        return self._send(member, False)

    def _send(self, member: str, is_here: bool) -> "Deferred[Any]":
        def untold(failure: Failure) -> Failure:
            self._untold.add(member)
            return failure

        sent = self._storage.send(Publication(self.bus, ((event(member, is_here), False),)))
        return sent.addErrback(untold)

    def _gone(self, channel: str, member: str, info: str) -> None:
        """The node that held it has died."""
        if channel == self.bus:
            self._owe(self._presence.gone(self.bus, member, info))

    def _returned(self, channel: str, member: str, info: str) -> None:
        """This node was cut off, and all were told that its members had left."""
        if channel == self.bus:
            self._owe(self._presence.tell(self.bus, member, info))

    def _ready_changed(self, ready: bool) -> None:
        if ready:
            untold, self._untold = self._untold, set()
            for member in untold:
                self._owe(self._presence.tell(self.bus, member, ""))

    def _owe(self, step: Any) -> None:
        under_way(start(step), self._pipeline.server).addErrback(failed)

    # What clients are told.

    def _tell_soon(self) -> None:
        hearing = self._hearing
        if not self._is_due and hearing.is_sure and (self._newcomers or hearing.members.changed):
            self._is_due = True
            self._pipeline.server.at_turn_end(self._tell)

    def _tell(self) -> None:
        self._is_due = False
        if not self._hearing.is_sure:
            return  # told when they are read
        options, members = self._options(), self._hearing.members
        how = options.presence_limit, options.presence_shows, options.presence_anonymous
        messages = members.changes(*how)
        if messages:
            self._pipeline.broadcast(self.channel, messages)
        newcomers, self._newcomers = self._newcomers, {}
        if newcomers:
            here = members.here(*how)
            for place, has_list in newcomers.items():
                place.connection.sendMessage(here, False)
                place.connection.subscribe(self.channel).chainDeferred(has_list)
