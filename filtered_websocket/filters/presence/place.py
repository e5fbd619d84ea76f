"""A connection's place in a room."""

from uuid import uuid4

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.filters.shared.presence import Steps


class Place:
    """
    :ivar user: that it was here for when this was last looked at
    :ivar members: that it holds, or is about to
    :ivar holder: what it holds them as: a later connection may come with its id
    """

    __slots__ = ("connection", "holder", "members", "steps", "user")

    def __init__(self, connection: Connection) -> None:
        self.connection, self.user = connection, connection.user
        self.members: list[str] = []
        self.holder = uuid4().hex
        self.steps = Steps()
