"""A session of Engine.IO 4 in memory, as a client has it: on a WebSocket."""

from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlencode

from websockets.client import ClientProtocol
from websockets.protocol import State

from filtered_websocket.testing.client import Client, Server

Frame = str | bytes

OPEN, CLOSE, PING, PONG, MESSAGE = "01234"


class Application(Protocol):
    """What a session carries."""

    def opened(self) -> None:
        """The server has begun the session."""

    def received(self, frame: Frame) -> None:
        """A message has come."""

    def ended(self) -> None:
        """The session is over."""


class Session(Protocol):
    """A session on any transport.

    :ivar answers_pings: whether it answers those of the server, which else ends it after its time
    """

    answers_pings: bool

    @property
    def is_open(self) -> bool:
        """Whether it has begun, and lasts."""

    def raise_refusal(self) -> None:
        """
        :raises Refused: the server has begun none
        """

    @property
    def close_code(self) -> int | None:
        """Of a WebSocket that has ended."""

    def post(self, frames: Sequence[Frame]) -> None:
        """Send messages: they are on their way, and the server has not seen them."""

    def close(self) -> None:
        """End it, as a client does that has no more to say."""

    def abort(self) -> None:
        """Be gone, as when a cable is cut."""


def address(path: str, **query: str) -> str:
    """Where a transport of a session is.

    :param path: which may have a query of its own
    """
    return f"{path}{'&' if '?' in path else '?'}{urlencode({'EIO': '4', **query})}"


class WebSocketSession(Client):
    """A client whose messages are packets of Engine.IO."""

    def __init__(self, server: Server, protocol: ClientProtocol, application: Application) -> None:
        super().__init__(server, protocol)
        self.answers_pings = True
        self._application = application

    def _heard(self, message: Frame) -> None:
        if isinstance(message, bytes):
            self._application.received(message)
        elif message.startswith(OPEN):
            self._application.opened()
        elif message.startswith(MESSAGE):
            self._application.received(message[1:])
        elif message.startswith(PING) and self.answers_pings:
            self._put(PONG + message[1:])

    def receive_end(self) -> None:
        super().receive_end()
        self._application.ended()

    def raise_refusal(self) -> None:
        self._server.settle()
        self._raise_refusal()

    def post(self, frames: Sequence[Frame]) -> None:
        for each in frames:
            self._put(MESSAGE + each if isinstance(each, str) else each)

    def _put(self, message: Frame) -> None:
        if self._protocol.state is not State.OPEN:
            return
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        self._collect()
