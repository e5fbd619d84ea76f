"""What `handlers` raises, and what its handlers may raise: by the names that python-socketio gives them."""

from typing import Any


class SocketIOError(Exception):
    """All of them."""


class ConnectionError(SocketIOError):
    """Something about a connection."""


class ConnectionRefusedError(ConnectionError):
    """Raised by a connect handler: the client is not let in. The first argument is the message that its
    ``connect_error`` has, the others are its data.

    :ivar message: the message
    :ivar data: one further argument as it is, several as a tuple; None for none
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.message = str(args[0]) if args else "Connection rejected by server"
        further = args[1:]
        self.data = further[0] if len(further) == 1 else further or None


class TimeoutError(SocketIOError):
    """A client has not acknowledged in time, or it has gone."""
