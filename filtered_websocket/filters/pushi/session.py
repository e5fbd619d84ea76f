"""One connection's session: `connection.pushi`. What it is in, and what it may do."""

from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.filters.pushi import events, keys, wire
from filtered_websocket.filters.pushi.apps import App
from filtered_websocket.filters.pushi.channels import Peer, Personal, PresenceChannel, Public, kind_of
from filtered_websocket.filters.pushi.events import Event
from filtered_websocket.filters.pushi.state import State
from filtered_websocket.filters.pushi.wire import Packet, PushiError
from filtered_websocket.filters.shared.session import Session as ChannelSession

MAX_LATEST = 500
"""Stored events that one answer holds."""


class Session(ChannelSession[Public, PushiError]):
    """
    :ivar channels: what it is in, by name
    :ivar is_greeted: the client knows that it is connected
    """

    attribute = "pushi"
    fault = PushiError

    def __init__(self, connection: Connection, app: App) -> None:
        super().__init__(connection)
        self.app = app
        self.is_greeted = False
        self.state = State.of(connection.pipeline)

    @property
    def aliases(self) -> list[str]:
        """The channels it is in because its user is subscribed to them."""
        return sorted(name for name, channel in self.channels.items() if channel.by_alias)

    def obey(self, payload: bytes | bytearray) -> Deferred[Any] | None:
        packet = wire.decode(payload)
        if packet.event == "pusher:subscribe":
            return self.steps.take(self._subscribe(wire.members_of(packet.data)))
        if packet.event == "pusher:unsubscribe":
            return self.steps.take(self._unsubscribe(wire.members_of(packet.data)))
        if packet.event == "pusher:latest":
            return self.steps.take(self._latest(wire.members_of(packet.data)))
        if packet.event.startswith(("pusher:", "pusher_internal:")):
            # What only a server may say, pusher:member_added say: nothing of it goes anywhere.
            raise PushiError(wire.REFUSED, "no event of a client has this name", packet.channel)
        return self._event(packet)

    def refuse(self, error: PushiError) -> None:
        self.count(error.limit)
        if error.channel:
            self.connection.sendMessage(error.packet)
        else:
            self.connection.close(error.code, error.message)

    # Steps.

    async def _subscribe(self, data: dict[str, Any]) -> None:
        name = data["channel"]
        channel = kind_of(name)(self, name)
        channel.check(data)
        former = self.channels.get(name)
        if former is None and len(self.connection.channels) >= self.options.max_channels:
            says = f"a connection may be in {self.options.max_channels} channels"
            raise PushiError(wire.REFUSED, says, name, "max_channels")
        if former is not None and former.member is not None and former.member != channel.member:
            await former.leave()
        # Before it is joined: should the connection end meanwhile, it is left.
        self.channels[name] = channel
        answer = await channel.join()
        self._tell("pusher_internal:subscription_succeeded", name, answer)

    async def _unsubscribe(self, data: dict[str, Any]) -> None:
        name = data["channel"]
        channel = self.channels.get(name)
        if channel is None:
            raise PushiError(wire.REFUSED, "not subscribed to this channel", name)
        await channel.leave()
        del self.channels[name]
        self._tell("pusher_internal:unsubscription_succeeded", name, await channel.about())

    async def _latest(self, data: dict[str, Any]) -> None:
        name = data["channel"]
        channel = self.channels.get(name)
        if channel is None and self._is_peer(name):
            channel = Peer(self, name)
        if channel is None:
            raise PushiError(wire.REFUSED, "not subscribed to this channel", name)
        try:
            skip = wire.number(data.get("skip"), 0, 1_000_000)
            count = wire.number(data.get("count"), 10, MAX_LATEST)
        except ValueError:
            raise PushiError(wire.MALFORMED, "skip and count are to be numbers", name) from None
        stored = await channel.latest(skip, count)
        self._tell("pusher_internal:latest", name, await channel.about(stored))

    def _tell(self, event: str, name: str, about: str) -> None:
        self.connection.sendMessage(wire.internal(event, name, about))

    # What a user is subscribed to.

    async def join_alias(self, name: str) -> None:
        """Be in a channel that the user is subscribed to, without a signature, and without being a member there."""
        if name in self.channels or not wire.is_name(name):
            return
        # A personal channel among them brings no further ones: two could bring each other for ever.
        kind = Public if issubclass(kind_of(name), Personal) else kind_of(name)
        channel = self.channels[name] = kind(self, name, by_alias=True)
        await channel.join()

    async def leave_alias(self, name: str) -> None:
        channel = self.channels.get(name)
        if channel is not None and channel.by_alias:
            await channel.leave()
            self.channels.pop(name, None)

    def subscription_changed(self, user_id: str, change: dict[str, str]) -> None:
        """HTTP has made or ended a subscription of the user that has the personal channel this connection is in."""
        changed = self.steps.take(self._change(f"personal-{user_id}", change))
        # As in a message filter: what cannot be followed closes the connection; the client comes back and subscribes.
        changed.addErrback(lambda _: self.connection.close(1013, "try again later"))

    async def _change(self, personal: str, change: dict[str, str]) -> None:
        if personal not in self.channels:
            return
        added, removed = change.get("added"), change.get("removed")
        if added is not None:
            await self.join_alias(added)
            # Clients take note of aliases when their personal channel says so; the others they know already.
            self._tell("pusher_internal:subscription_succeeded", personal, wire.about(personal, {}, (added,), ()))
        if removed is not None and removed in self.aliases:
            await self.leave_alias(removed)
            self._tell("pusher_internal:unsubscription_succeeded", removed, wire.about(removed, {}, (), ()))

    # Events.

    def _event(self, packet: Packet) -> Deferred[Any] | None:
        name = packet.channel
        if not name:
            raise PushiError(wire.MALFORMED, "an event is to name its channel")
        if name not in self.channels and not self._is_peer(name):
            raise PushiError(wire.REFUSED, "not subscribed to this channel", name)
        if len(packet.event) > wire.MAX_EVENT_NAME:
            raise PushiError(wire.REFUSED, f"an event's name has at most {wire.MAX_EVENT_NAME} characters", name)
        rate = self.options.pushi_event_rate
        if not self.spend(rate):
            raise PushiError(wire.REFUSED, f"more than {rate} events in a second", name, "pushi_event_rate")
        try:
            data = wire.text_of(packet.data)
        except PushiError as error:
            raise PushiError(error.code, error.message, name) from None
        if wire.exceeds(packet.data, data, self.options.pushi_max_event_size):
            says = f"an event's data may have {self.options.pushi_max_event_size} bytes"
            raise PushiError(wire.REFUSED, says, name, "pushi_max_event_size")
        event = Event(packet.event, data, (name,), packet.persist, {}, self.connection.id, packet.echo)
        if packet.persist:
            return self.steps.take(events.happen(self.state, self.app, event))
        events.publish(self.state, self.app, event, ({},))
        return None

    def _is_peer(self, name: str) -> bool:
        """Whether this is a peer channel of which this connection is one of the two."""
        users = keys.peers_of(name)
        channel = None if users is None else self.channels.get(f"presence-{users[0]}")
        return isinstance(channel, PresenceChannel) and channel.is_peer(name)
