"""A session on a WebSocket."""

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.filters.engineio import packets
from filtered_websocket.filters.engineio.encodings import PACKETS
from filtered_websocket.filters.engineio.handover import Handover, id_of
from filtered_websocket.filters.engineio.session import Engine, Session
from filtered_websocket.messages.message import Message, in_binary_message


class Carrier(Connection, Protocol):
    """The connection that carries a session.

    :ivar session: what its messages are for
    """

    channels: set[str]
    session: "Opening"

    def standing_still(self) -> bool: ...


class Opening(Protocol):
    """What a carrier's filters know of its session, which may be yet to begin."""

    def open(self) -> None:
        """The connection is open."""

    def receive(self, payload: bytes | bytearray, binary: bool) -> Awaitable[None] | None:
        """Obey a message of the client."""

    def leave(self) -> object:
        """The connection has ended."""


def receive(connection: Carrier, data: bytearray | str) -> Awaitable[None] | None:
    """Have the session of a connection obey a message, as a message filter gets it."""
    if isinstance(data, str):
        return connection.session.receive(data.encode("utf-8", "replace"), False)
    return connection.session.receive(data, in_binary_message.get())


def as_frames(protocol: int, messages: Sequence[Message]) -> Sequence[Message]:
    """Packets as a WebSocket of this version of the protocol carries them."""
    encoding = PACKETS[protocol]
    return messages if encoding is None else encoding.encode(messages, None)


def send_together(connection: Carrier, protocol: int, messages: Sequence[Message]) -> None:
    """Send what has waited for a GET, which may be more than may wait for a slow client."""
    connection.send_together(as_frames(protocol, messages))


class WebSocketSession(Session):
    """
    :param connection: the open connection that carries it
    """

    connection: Carrier

    def __init__(self, engine: Engine, sid: str, protocol: int, connection: Carrier) -> None:
        super().__init__(engine, sid, protocol, connection.id)
        self.connection = self.subscriber = connection
        if not connection.channels:
            connection.channels = set()

    def send(self, *messages: Message) -> None:
        connection = self.connection
        if connection.encoding is None:
            for payload, binary in messages:
                connection.sendMessage(payload, binary)
        else:
            connection.send_encoded(as_frames(self.protocol, messages))

    def send_together(self, messages: tuple[Message, ...]) -> None:
        send_together(self.connection, self.protocol, messages)

    def receive(self, payload: bytes | bytearray, binary: bool) -> Awaitable[None] | None:
        if binary and self.protocol == 3:
            # A binary frame of Engine.IO 3 that is no message has no meaning.
            binary = payload[:1] == packets.BINARY_MESSAGE
            payload = payload[1:] if binary else payload
        return super().receive(payload, binary)

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.connection.close(code, reason)

    @property
    def waits(self) -> int:
        return self.connection.pending

    def leave(self) -> Handover:
        self.engine.upgraded.pop(self.sid, None)
        return super().leave()

    def superseded(self) -> None:
        if not self.ended:
            self.move()
            self.gone_on()
            self.connection.session = TooLate(self.connection)
            self.connection.close(1001, "the session has ended elsewhere")

    def standing_still(self) -> bool:
        return self.connection.standing_still()

    def gone(self) -> None:
        self.connection.abortConnection()


class UnopenedSession:
    """A session of its own that a WebSocket begins when it is open."""

    def __init__(self, engine: Engine, sid: str, protocol: int, connection: Carrier) -> None:
        self._engine, self._sid, self._protocol, self._connection = engine, sid, protocol, connection
        connection.id = id_of(sid, protocol)

    def open(self) -> None:
        former = self._engine.named.get(self._connection.id)
        if former is not None:
            former.succeeded()
        session = WebSocketSession(self._engine, self._sid, self._protocol, self._connection)
        self._connection.session = session
        session.open()

    def receive(self, payload: Any, binary: bool) -> None:
        """No client speaks before the connection is open."""

    def leave(self) -> None:
        """There is nothing yet to be left."""


class TooLate:
    """A WebSocket for a session that has gone on to another one: it is let in and closed, as clients know it."""

    def __init__(self, connection: Carrier) -> None:
        self._connection = connection

    def open(self) -> None:
        self._connection.close(1000, "the session is upgraded already")

    def receive(self, payload: Any, binary: bool) -> None:
        """It carries nothing."""

    def leave(self) -> None:
        """There is nothing to be left."""
