"""The namespace of the pack, and those of this node that are in it."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from filtered_websocket.filters.socketio.recovery.recovery import Recovery


class Member(Protocol):
    """A client, as what orders it about knows it (`member.Member`)."""

    id: str

    def join(self, room: str) -> None: ...
    def leave(self, room: str) -> None: ...
    def put_out(self) -> None: ...


class Namespace:
    """``/``, the only one that there is; a client that wants another is refused.

    :param handle: handles an event of a client: ``handle(socket, [name, *arguments])``; an awaitable if it takes time
    :ivar recovery: None where it is off
    :ivar sockets: the clients of this node that are connected, by id
    :ivar has_returned: whether a client has come back, so that one may have two ids
    :ivar by_connection: those of them whose sessions are in the log, by the ids of their connections: a client that has
        come back has its own id again, and its connection has another
    """

    recovery: Recovery | None = None
    has_returned = False

    def __init__(self, handle: Callable[[Any, list[Any]], Awaitable[None] | None]) -> None:
        self.handle = handle
        self.sockets: dict[str, Member] = {}
        self.by_connection: dict[str, Member] = {}

    def name(self, id: str) -> str:
        """A client's own id, for that or the id of its connection."""
        member = self.by_connection.get(id)
        return id if member is None else member.id
