"""Clients that are gone with the node that had them: their leases say so, and one node tells it to all others."""

from collections.abc import Mapping
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import DONE, start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.centrifugo.chains import Chains
from filtered_websocket.filters.centrifugo.channels import CLIENTS, joins_of
from filtered_websocket.filters.centrifugo.codes import CLOSED, Disconnect, Error
from filtered_websocket.filters.centrifugo.envelope import (
    JOIN,
    LEAVE,
    Envelope,
    info_as_text,
    info_of_text,
    pack,
)
from filtered_websocket.filters.centrifugo.events import (
    CentrifugoDisconnectFilter,
    CentrifugoUnsubscribeFilter,
    Disconnected,
    Unsubscribe,
)
from filtered_websocket.filters.centrifugo.messages import ClientInfo
from filtered_websocket.filters.centrifugo.namespaces import Namespaces
from filtered_websocket.messages.publication import Publication


class Departed:
    """A client that was another node's, for filters that are told of its end.

    :ivar info: what it said of itself, as JSON
    """

    connected = False
    ended = True

    def __init__(self, info: ClientInfo) -> None:
        self.id, self.user, self.info = info.client, info.user, info.conn_info


class Leaving(Protocol):
    """A client of this node."""

    present: bool

    @property
    def id(self) -> str: ...
    def info_in(self, channel: str) -> ClientInfo: ...


class Knows(Protocol):
    """What the pack keeps for one pipeline, as far as departures are concerned."""

    @property
    def pipeline(self) -> Pipeline: ...
    @property
    def chains(self) -> Chains: ...
    @property
    def namespaces(self) -> Namespaces: ...
    @property
    def storage(self) -> Any: ...
    @property
    def clients(self) -> Mapping[str, Any]: ...
    @property
    def leaving(self) -> Mapping[str, Any]: ...


class Departures:
    """Those of one pipeline."""

    def __init__(self, state: Knows) -> None:
        self._state = state
        state.pipeline.member_left.append(self.left)
        state.pipeline.member_returned.append(self.returned)

    async def appear(self, client: Leaving) -> None:
        """A client comes: storage knows of it where somebody wants to be told when it goes."""
        if self._state.chains.of(CentrifugoDisconnectFilter):
            client.present = True
            await self._state.storage.join(CLIENTS, client.id, client.id, info_as_text(client.info_in(CLIENTS)))

    async def disappear(self, client: Leaving) -> bool:
        """It goes. Whether it is for the caller to tell; else storage has it told, as of a client whose node died."""
        if not client.present:
            return True
        client.present = False
        try:
            last: bool = await self._state.storage.leave(CLIENTS, client.id, client.id)
        except StorageAway:
            return False
        return last

    def left(self, channel: str, member: str, info: str) -> Deferred[Any]:
        """A client was in a channel, and is nowhere any more. Called on one node only."""
        return start(self._left(channel, info))

    async def _left(self, channel: str, info: str) -> None:
        found, chains = info_of_text(info), self._state.chains
        if channel == CLIENTS:
            end = Disconnected(CLOSED, Disconnect(CLOSED).reason, ())
            await chains.tell(CentrifugoDisconnectFilter, Departed(found), end)
            return
        event = Unsubscribe(channel, CLOSED, Disconnect(CLOSED).reason)
        await chains.tell(CentrifugoUnsubscribeFilter, Departed(found), event)
        await self._tell(channel, LEAVE, found)

    def returned(self, channel: str, member: str, info: str) -> Deferred[Any]:
        """All were told that a client has left which is here: this node was cut off."""
        client = self._state.clients.get(member) or self._state.leaving.get(member)
        subscription = None if client is None else client.subscriptions.get(channel)
        if subscription is not None and not subscription.announced:
            return DONE  # it has yet to say that it has come
        return start(self._tell(channel, JOIN, info_of_text(info)))

    async def _tell(self, channel: str, kind: int, info: ClientInfo) -> None:
        try:
            options = self._state.namespaces.of(channel)
        except Error:
            return  # a reload has taken the namespace away
        if options.join_leave:
            told = pack(Envelope(channel.encode(), kind, info=info))
            try:
                await self._state.storage.send(Publication(joins_of(channel), (told,)))
            except StorageAway:
                what = "a join" if kind == JOIN else "a leave"
                self._state.pipeline.server.counters.count("dropped", f"centrifugo: {what}, storage was away")

    def stop(self) -> None:
        """Hear of no more; again is fine."""
        pipeline = self._state.pipeline
        if self.left in pipeline.member_left:
            pipeline.member_left.remove(self.left)
            pipeline.member_returned.remove(self.returned)
