"""A connection's place in a channel, in a protocol of channels: what Pusher's and Pushi's have in common.

An object is one connection's place in one channel: made when it subscribes, gone when it leaves. The kinds of channels
are one class each, chosen by the beginning of the name in one place: the pack's `KINDS`.
"""

from collections.abc import Iterable
from typing import Any, Generic, Protocol, TypeVar

from filtered_websocket.chain.interfaces import Connection, Options


class Client(Protocol):
    """The session of a connection, as its channels know it."""

    @property
    def connection(self) -> Connection: ...
    @property
    def options(self) -> Options: ...


S = TypeVar("S", bound=Client)
Kind = TypeVar("Kind")


class Channel(Generic[S]):
    """
    :param key: the channel's name in the hub
    """

    def __init__(self, session: S, name: str, key: str) -> None:
        self.session, self.name, self.key = session, name, key

    def check(self, data: dict[str, Any]) -> None:
        """See whether the connection may subscribe.

        :raises Exception: the pack's `fault`: it may not
        """

    async def join(self) -> str:
        """Subscribe, which is over when publications arrive. Gives the data of the answer, as JSON."""
        subscribed = self.session.connection.subscribe(self.key)
        await self.joined()
        await subscribed
        return await self.about()

    async def leave(self) -> None:
        left = self.session.connection.unsubscribe(self.key)
        await self.left()
        await left

    async def joined(self) -> None:
        """Let all nodes know that the connection is here."""

    async def left(self) -> None:
        """Let all nodes know that it is not any more."""

    async def about(self) -> str:
        """What is told of the channel, as JSON."""
        return "{}"


def chosen(kinds: Iterable[tuple[str, type[Kind]]], name: str) -> type[Kind]:
    """The first kind whose beginning this name has."""
    return next(kind for prefix, kind in kinds if name.startswith(prefix))
