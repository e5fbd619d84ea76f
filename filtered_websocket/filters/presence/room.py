"""The clients of this node that are together in one channel, and what they are told.

Clients are told once in a turn what has changed. Those that are new get the list then, behind it, and are in the
channel from there on.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Connection, Options, Pipeline
from filtered_websocket.chain.speech import tell
from filtered_websocket.errors import NotAllowed, StorageAway
from filtered_websocket.filters.presence.hearing import Hearing
from filtered_websocket.filters.presence.members import Here
from filtered_websocket.filters.presence.place import Place
from filtered_websocket.filters.presence.wire import CONNECTION, event, member_of
from filtered_websocket.filters.shared.endings import failed, under_way
from filtered_websocket.filters.shared.presence import Presence
from filtered_websocket.messages.publication import Publication

WORD = "presence"
"""What packs that have events call what their clients are told."""


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
        for called, call in self._calls():
            called.append(call)
        self._hearing.start()

    def _calls(self) -> Iterator[tuple[list[Any], Any]]:
        pipeline = self._pipeline
        yield from ((pipeline.member_left, self._gone), (pipeline.member_returned, self._returned))
        yield from ((pipeline.ready_changed, self._ready_changed), (pipeline.user_named, self._named))
        yield from ((pipeline.greeted, self._greeted), (pipeline.moved_away, self._moved_away))

    async def stop(self) -> None:
        """The filter is there no more, though its clients may be. Again is fine."""
        for called, call in self._calls():
            if call in called:  # a reload of this module may have taken it out
                called.remove(call)
        for place in tuple(self.places.values()):
            place.connection.unsubscribe(self.channel)
            await self._leave(place)
        self.places.clear()
        await self._hearing.stop()

    @property
    def here(self) -> Here:
        return self._hearing.members.who

    # Clients.

    async def enter(self, connection: Connection) -> None:
        """Over when the client has the list; that of a pack gets it when it is greeted, and nobody waits for that.

        :raises NotAllowed: its user's name is not to be shown, or it is in too many channels
        :raises StorageAway: it cannot be counted
        """
        place = Place(connection)
        member = self._member_of(place)
        self.places[connection] = place
        place.put(self)
        await place.steps.take(self._hold(place, member))
        if self._pipeline.speech is not None or self._options().presence_tell == "none":
            return
        has_list: Deferred[Any] = Deferred(lambda _: self._forget(place))
        self._newcomers[place] = has_list
        self._tell_soon()
        await has_list

    def place_of(self, connection: Connection) -> Place | None:
        """Where it is, on whatever connection it has come."""
        place = self.places.get(connection) or Place.of(connection, self)
        if place is None or place.entered not in self.places:
            return None
        place.connection = connection
        return place

    async def rename(self, place: Place) -> None:
        """The connection has another user now; raises as `enter` does."""
        place.user = place.connection.user
        await place.steps.take(self._hold(place, self._member_of(place)))

    def leave(self, connection: Connection) -> "Deferred[Any] | None":
        """The connection has ended."""
        place = self.place_of(connection)
        if place is None:
            return None
        del self.places[place.entered]
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

    def _named(self, connection: Connection) -> None:
        """Packs stand behind, and say whose a client is after the message chain has been here."""
        place = self.place_of(connection)
        if self._pipeline.speech is None or place is None or place.user == connection.user:
            return

        def refused(failure: Failure) -> None:
            failure.trap(NotAllowed, StorageAway)
            connection.close(1008 if failure.check(NotAllowed) else 1013, failure.getErrorMessage())

        start(self.rename(place)).addErrback(refused).addErrback(failed)

    # What clients are told.

    def _greeted(self, connection: Connection) -> None:
        if self.place_of(connection) is not None:
            self._tell_soon(True)
        elif self._pipeline.speech is None:
            # It has come from another node, where it has left as this one says.
            start(self.enter(connection)).addErrback(failed)

    def _moved_away(self, connection: Connection) -> None:
        self.leave(connection)

    def _tell_soon(self, is_greeted: bool = False) -> None:
        hearing = self._hearing
        if not self._is_due and hearing.is_sure and (self._newcomers or hearing.members.changed or is_greeted):
            self._is_due = True
            self._pipeline.server.at_turn_end(self._tell)

    def _tell(self) -> None:
        self._is_due = False
        if not self._hearing.is_sure:
            return  # told when they are read
        options, members = self._options(), self._hearing.members
        how = options.presence_limit, options.presence_shows, options.presence_anonymous
        messages = members.changes(*how)
        if options.presence_tell == "none":
            return
        if self._pipeline.speech is not None:
            self._tell_each(messages, partial(members.here, *how))
            return
        if messages:
            self._pipeline.broadcast(self.channel, messages)
        newcomers, self._newcomers = self._newcomers, {}
        if newcomers:
            here = members.here(*how)
            for place, has_list in newcomers.items():
                place.connection.sendMessage(here, False)
                place.connection.subscribe(self.channel).chainDeferred(has_list)

    def _tell_each(self, messages: list[bytes], here: Callable[[], bytes]) -> None:
        """Tell clients of a pack, in its words. Not on a channel: there its own clients might hear it, or speak."""
        changes, the_list = [json.loads(each) for each in messages], None
        for place in tuple(self.places.values()):
            if place.is_told:
                for each in changes:
                    tell(place.connection, WORD, each)
            else:
                the_list = the_list or json.loads(here())
                place.is_told = tell(place.connection, WORD, the_list)
