"""The kinds of channels: `KINDS`."""

import re
from typing import Any, Protocol

from filtered_websocket.filters.pusher import auth, wire
from filtered_websocket.filters.pusher.apps import App
from filtered_websocket.filters.pusher.auth import User
from filtered_websocket.filters.pusher.keys import key_of
from filtered_websocket.filters.pusher.state import State
from filtered_websocket.filters.pusher.wire import PusherError
from filtered_websocket.filters.shared import channel
from filtered_websocket.filters.shared.channel import Channel
from filtered_websocket.filters.shared.presence import Full

NAME = re.compile(r"[A-Za-z0-9_\-=@,.;]+")
USER_PREFIX = "#server-to-user-"


class Client(channel.Client, Protocol):
    """The session of a connection, as its channels know it."""

    @property
    def app(self) -> App: ...
    @property
    def state(self) -> State: ...
    @property
    def user(self) -> User | None: ...


class Public(Channel[Client]):
    """Any client may subscribe; the app alone publishes.

    :ivar user: the member that the connection is here, if it is one
    """

    client_events = False

    def __init__(self, session: Client, name: str) -> None:
        super().__init__(session, name, key_of(session.app, name))
        self.user: User | None = None

    async def joined(self) -> None:
        await self.session.state.count(self.session.app, self.name)

    async def left(self) -> None:
        await self.session.state.count(self.session.app, self.name)

    @property
    def caches(self) -> bool:
        """Whether the channel keeps its last event."""
        return caches(self.name)


class Private(Public):
    """A client that the app's secret has signed for may subscribe, and publish client events."""

    client_events = True

    def check(self, data: dict[str, Any]) -> None:
        channel_data = data.get("channel_data")
        if channel_data is not None and not isinstance(channel_data, str):
            raise PusherError(wire.MALFORMED, "channel_data is to be a string", self.name, 400)
        session = self.session
        auth.check_subscription(session.app, session.connection.id, self.name, data.get("auth"), channel_data)


class Encrypted(Private):
    """Private; what is published was encrypted by the app's backend, which clients cannot do."""

    client_events = False


class ServerToUser(Public):
    """What the app publishes to one user, for connections that have signed in as that user."""

    def check(self, data: dict[str, Any]) -> None:
        user = self.session.user
        if user is None or self.name != USER_PREFIX + user.id:
            raise PusherError(wire.UNAUTHORIZED, "this channel is for a user that has signed in", self.name, 401)


class PresenceChannel(Private):
    """Private, and its members know of each other."""

    def check(self, data: dict[str, Any]) -> None:
        super().check(data)
        session, channel_data = self.session, data.get("channel_data")
        if channel_data is not None:
            most = session.options.pusher_max_member_size
            self.user = auth.member_of(self.name, channel_data, most)
        elif session.user is not None:
            self.user = session.user
        else:
            says = "channel_data is wanted, or a sign-in before"
            raise PusherError(wire.MALFORMED, says, self.name, 400)

    async def join(self) -> str:
        await super().join()
        session, user = self.session, self.user
        assert user is not None
        try:
            await session.state.presence.join(
                self.key, user.id, session.connection.id, user.info, session.options.pusher_max_members
            )
        except Full:
            says = "the channel has as many members as it may have"
            raise PusherError(4100, says, self.name, 403, "pusher_max_members") from None
        return wire.presence(await session.state.storage.members(self.key))

    async def leave(self) -> None:
        await super().leave()
        if self.user is not None:
            presence = self.session.state.presence
            await presence.leave(self.key, self.user.id, self.session.connection.id, self.user.info)


KINDS: tuple[tuple[str, type[Public]], ...] = (
    ("private-encrypted-", Encrypted),
    ("private-", Private),
    ("presence-", PresenceChannel),
    (USER_PREFIX, ServerToUser),
    ("", Public),
)


def kind_of(name: str) -> type[Public]:
    """The kind of a channel."""
    return channel.chosen(KINDS, name)


def caches(name: str) -> bool:
    """Whether a channel keeps its last event."""
    return re.match(r"(private-(encrypted-)?|presence-)?cache-", name) is not None


def is_name(name: object, most: int) -> bool:
    """Whether this is a channel's name."""
    if not isinstance(name, str):
        return False
    if name.startswith(USER_PREFIX):
        return len(name) <= most + len(USER_PREFIX) and NAME.fullmatch(name, len(USER_PREFIX)) is not None
    return len(name) <= most and NAME.fullmatch(name) is not None
