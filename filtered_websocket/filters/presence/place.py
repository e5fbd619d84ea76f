"""A connection's place in a room."""

from uuid import uuid4

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.filters.shared.presence import Steps

_ATTRIBUTE = "presence_places"
"""Of a connection: what stands there goes along when another one carries its client, whose connect chain has run."""


class Place:
    """
    :ivar entered: the connection that it came by
    :ivar user: that it was here for when this was last looked at
    :ivar members: that it holds, or is about to
    :ivar is_told: it has the list, and is told of changes; of a pack's client alone, which is in no channel for that
    :ivar holder: what it holds them as: a later connection may come with its id
    """

    __slots__ = ("connection", "entered", "holder", "is_told", "members", "steps", "user")

    def __init__(self, connection: Connection) -> None:
        self.connection = self.entered = connection
        self.user = connection.user
        self.is_told = False
        self.members: list[str] = []
        self.holder = uuid4().hex
        self.steps = Steps()

    @classmethod
    def of(cls, connection: Connection, room: object) -> "Place | None":
        """That of a connection which another one has gone on to be."""
        found: Place | None = vars(connection).get(_ATTRIBUTE, {}).get(room)
        return found

    def put(self, room: object) -> None:
        vars(self.connection).setdefault(_ATTRIBUTE, {})[room] = self
