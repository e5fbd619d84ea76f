"""One connection's session: `connection.pusher`. What it is in, its user, and what it may still send."""

from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.pusher import auth, events, wire
from filtered_websocket.filters.pusher.apps import App
from filtered_websocket.filters.pusher.auth import User
from filtered_websocket.filters.pusher.channels import Public, caches, is_name, kind_of
from filtered_websocket.filters.pusher.keys import control_of
from filtered_websocket.filters.pusher.state import State
from filtered_websocket.filters.pusher.wire import Packet, PusherError
from filtered_websocket.filters.shared.session import Session as ChannelSession
from filtered_websocket.messages.strict_json import size


class Session(ChannelSession[Public, PusherError]):
    """
    :ivar channels: what it is subscribed to, by name
    :ivar user: the user that has signed in
    """

    attribute = "pusher"
    fault = PusherError

    def __init__(self, connection: Connection, app: App) -> None:
        super().__init__(connection)
        self.app = app
        self.state = State.of(connection.pipeline)
        self.user: User | None = None

    def begin(self) -> None:
        super().begin()
        self.state.sessions[self.app.id] += 1

    def end(self) -> Deferred[Any]:
        sessions = self.state.sessions
        sessions[self.app.id] -= 1
        if not sessions[self.app.id]:
            del sessions[self.app.id]
        return super().end()

    def obey(self, payload: bytes | bytearray) -> Deferred[Any] | None:
        packet = wire.decode(payload)
        if packet.event.startswith("client-"):
            self._client_event(packet)
        elif packet.event == "pusher:ping":
            self.connection.sendMessage(wire.PONG)
        elif packet.event == "pusher:subscribe":
            return self.steps.take(self._subscribe(wire.members_of(packet.data)))
        elif packet.event == "pusher:unsubscribe":
            return self.steps.take(self._unsubscribe(wire.members_of(packet.data)))
        elif packet.event == "pusher:signin":
            return self.steps.take(self._sign_in(wire.members_of(packet.data)))
        elif packet.event != "pusher:pong":
            # Among them what only a server may say, pusher_internal:member_added say: nothing of it goes anywhere.
            raise PusherError(wire.MALFORMED, "no event of a client has this name")
        return None

    def refuse(self, error: PusherError) -> None:
        self.count(error.limit)
        self.connection.sendMessage(error.packet)
        if error.closes:
            self.connection.close(error.code, error.message)

    # Steps.

    async def _subscribe(self, data: dict[str, Any]) -> None:
        name = data.get("channel")
        if not is_name(name, self.options.pusher_max_channel_name):
            shown = name if isinstance(name, str) else ""
            limit = "pusher_max_channel_name" if is_name(name, len(shown)) else ""
            raise PusherError(wire.MALFORMED, "no channel can have this name", shown[:200], 400, limit)
        assert isinstance(name, str)
        channel = kind_of(name)(self, name)
        channel.check(data)
        connection = self.connection
        former = self.channels.get(name)
        if former is None and len(connection.channels) >= self.options.max_channels:
            says = f"a connection may be in {self.options.max_channels} channels"
            raise PusherError(wire.MALFORMED, says, name, 403, "max_channels")
        if former is not None and former.user is not None and former.user.id != channel.user.id:  # type: ignore[union-attr]
            await former.leave()
        # Before it is joined: should the connection end meanwhile, it is left.
        self.channels[name] = channel
        try:
            answer = await channel.join()
        except PusherError:
            del self.channels[name]
            channel.user = None
            await channel.leave()
            raise
        if channel.user is not None and connection.user is None:
            connection.user = channel.user.id
        connection.sendMessage(wire.internal("pusher_internal:subscription_succeeded", name, answer))
        if caches(name):
            await self._replay(name, channel.key)

    async def _replay(self, name: str, key: str) -> None:
        kept = await self.state.storage.latest(key, 0, 1)
        if kept:
            self.connection.sendMessage(kept[0].payload, False)
            return
        self.connection.sendMessage(wire.internal("pusher:cache_miss", name, "{}"))
        self.state.tell(self.app, {"name": "cache_miss", "channel": name})

    async def _unsubscribe(self, data: dict[str, Any]) -> None:
        name = data.get("channel")
        channel = self.channels.pop(name, None) if isinstance(name, str) else None
        if channel is not None:
            try:
                await channel.leave()
            except StorageAway:
                # It is still to be left when the connection ends.
                self.channels[channel.name] = channel
                raise

    async def _sign_in(self, data: dict[str, Any]) -> None:
        user_data = data.get("user_data")
        user = auth.signed_user(self.app, self.connection.id, data.get("auth"), user_data)
        if self.user is not None and self.user.id != user.id:
            raise PusherError(wire.UNAUTHORIZED, "another user has signed in on this connection")
        await self.connection.subscribe(control_of(self.app, user.id))
        self.user, self.connection.user = user, user.id
        assert isinstance(user_data, str)
        self.connection.sendMessage(wire.signed_in(user_data))

    # Client events.

    def _client_event(self, packet: Packet) -> None:
        channel = self.channels.get(packet.channel)
        if not self.app.client_events:
            raise PusherError(wire.REFUSED, "client events are not enabled for this app", packet.channel)
        if channel is None or not channel.client_events:
            says = "client events are for private and presence channels that one is subscribed to"
            raise PusherError(wire.REFUSED, says, packet.channel)
        if len(packet.event) > events.MAX_NAME:
            raise PusherError(wire.REFUSED, f"an event's name has at most {events.MAX_NAME} characters", packet.channel)
        rate = self.options.pusher_client_event_rate
        if not self.spend(rate):
            says = f"more than {rate} client events in a second"
            raise PusherError(wire.REFUSED, says, limit="pusher_client_event_rate")
        user_id = channel.user.id if channel.user is not None else ""
        sent = wire.client_event(packet, user_id)
        most = self.options.pusher_max_event_size
        if len(sent) > most and size(packet.data) > most:
            says = f"an event's data may have {most} bytes"
            raise PusherError(wire.REFUSED, says, packet.channel, limit="pusher_max_event_size")
        self.connection.publish(channel.key, sent, exclude=self.connection.id)
        if self.app.webhooks:
            self.state.tell(self.app, events.hook_of(packet, self.connection.id, user_id))
