"""The kinds of channels: `KINDS`."""

from typing import Any, Protocol

from filtered_websocket.filters.pushi import auth, events, keys, wire
from filtered_websocket.filters.pushi.apps import App
from filtered_websocket.filters.pushi.auth import Member
from filtered_websocket.filters.pushi.state import State
from filtered_websocket.filters.shared import channel
from filtered_websocket.filters.shared.channel import Channel


class Client(channel.Client, Protocol):
    """The session of a connection, as its channels know it."""

    @property
    def app(self) -> App: ...
    @property
    def state(self) -> State: ...
    @property
    def aliases(self) -> list[str]: ...
    async def join_alias(self, name: str) -> None: ...
    async def leave_alias(self, name: str) -> None: ...


class Public(Channel[Client]):
    """Any client may subscribe, and publish.

    :ivar member: the member that the connection is here, if it is one
    :ivar by_alias: it is in the channel because its user is subscribed to it
    """

    signed = False

    def __init__(self, session: Client, name: str, by_alias: bool = False) -> None:
        super().__init__(session, name, keys.live(session.app, name))
        self.by_alias = by_alias
        self.app, self.state = session.app, session.state
        self.member: Member | None = None

    def check(self, data: dict[str, Any]) -> None:
        if self.signed:
            auth.check_subscription(self.app, self.session.connection.id, self.name, data)

    async def joined(self) -> None:
        await self.state.storage.join(keys.sockets(self.app), self._socket, self.session.connection.id)

    async def left(self) -> None:
        await self.state.storage.leave(keys.sockets(self.app), self._socket, self.session.connection.id)

    async def about(self, stored: tuple[str, ...] | list[str] = ()) -> str:
        """What is told of the channel, as JSON.

        :param stored: event records as JSON
        """
        return wire.about(self.name, {}, (), stored)

    async def latest(self, skip: int, count: int) -> list[str]:
        """Stored events, newest first, as JSON."""
        return await events.latest(self.state, keys.log(self.app, self.name), skip, count)

    @property
    def _socket(self) -> str:
        return wire.dumps([self.session.connection.id, self.name])


class Private(Public):
    """A client that the app's secret has signed for may subscribe."""

    signed = True


class PresenceChannel(Private):
    """Private; a client that subscribes with channel_data is a member, and members know of each other."""

    def __init__(self, session: Client, name: str, by_alias: bool = False) -> None:
        super().__init__(session, name, by_alias)
        self._members = keys.members(self.app, name)
        self._inbox = ""

    def check(self, data: dict[str, Any]) -> None:
        covered = self.state.pipeline.options.pushi_signed_presence
        auth.check_subscription(self.app, self.session.connection.id, self.name, data, covered)
        self.member = auth.member_of(self.name, data.get("channel_data"))

    async def join(self) -> str:
        connection, member = self.session.connection, self.member
        if member is None:
            return await super().join()
        if member.peer and not {"&", ":"} & set(member.user_id):
            # In names of peer channels these two characters end a user's id.
            self._inbox = keys.inbox(self.app, self.base, member.user_id)
            await connection.subscribe(self._inbox)
        await connection.subscribe(self._members)
        await super().join()
        await self.state.presence.join(self._members, member.user_id, connection.id, member.data)
        if connection.user is None:
            connection.user = member.user_id
        return await self.about()

    async def leave(self) -> None:
        connection, member = self.session.connection, self.member
        await super().leave()
        if member is None:
            return
        await connection.unsubscribe(self._members)
        if self._inbox:
            await connection.unsubscribe(self._inbox)
        await self.state.presence.leave(self._members, member.user_id, connection.id, member.data)

    async def about(self, stored: tuple[str, ...] | list[str] = ()) -> str:
        members = await self.state.storage.members(self._members)
        return wire.about(self.name, members, (), stored)

    @property
    def base(self) -> str:
        return self.name.removeprefix("presence-")

    def is_peer(self, channel: str) -> bool:
        """Whether this is a peer channel that the member shares with another one."""
        users = keys.peers_of(channel)
        if not self._inbox or users is None or self.member is None:
            return False
        return users[0] == self.base and self.member.user_id in users[1:]


class Personal(Private):
    """One user's: brings the channels that the user is subscribed to, and what was stored for the user."""

    @property
    def user_id(self) -> str:
        return self.name.removeprefix("personal-")

    async def join(self) -> str:
        # From here on changes are heard of; what is read next may hold them already, which does no harm.
        await self.session.connection.subscribe(keys.control(self.app, self.user_id))
        self.session.connection.user = self.user_id
        aliases = sorted(await self.state.storage.get(keys.aliases(self.app, self.user_id)) or ())
        for name in aliases:
            await self.session.join_alias(name)
        return wire.about(self.name, {}, aliases, await self.latest(0, 10))

    async def leave(self) -> None:
        await self.session.connection.unsubscribe(keys.control(self.app, self.user_id))
        for name in await self.state.storage.get(keys.aliases(self.app, self.user_id)) or ():
            await self.session.leave_alias(name)

    async def about(self, stored: tuple[str, ...] | list[str] = ()) -> str:
        return wire.about(self.name, {}, self.session.aliases, stored)

    async def latest(self, skip: int, count: int) -> list[str]:
        return await events.latest(self.state, keys.associated(self.app, self.user_id), skip, count)


class Peer(Private):
    """What two members of a presence channel say to each other. They are in it without subscribing; for any other
    client, the app has to sign."""


KINDS: tuple[tuple[str, type[Public]], ...] = (
    ("private-", Private),
    ("presence-", PresenceChannel),
    ("personal-", Personal),
    ("peer-", Peer),
    ("", Public),
)


def kind_of(name: str) -> type[Public]:
    """The kind of a channel."""
    return channel.chosen(KINDS, name)
