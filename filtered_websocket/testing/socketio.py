"""A Socket.IO client of the server in memory."""

from collections.abc import Callable
from typing import Any, Protocol

from filtered_websocket.testing.client import Server, StillWaiting
from filtered_websocket.testing.engineio import Session
from filtered_websocket.testing.socketio_packets import (
    ACKNOWLEDGEMENT,
    CONNECT,
    CONNECT_ERROR,
    DISCONNECT,
    EVENT,
    Packet,
)


class ConnectError(ConnectionError):
    """The server has not let a client into a namespace: what it says of that, as ``connect_error`` has it.

    :ivar message: why
    :ivar data: what else it says; None for nothing
    """

    def __init__(self, message: str, data: Any) -> None:
        super().__init__(message)
        self.message, self.data = message, data


class Acknowledgement:
    """What `SocketIOClient.ask` gives: an acknowledgement that may be on its way."""

    def __init__(self, server: Server, event: str, client: "SocketIOClient") -> None:
        self._server, self._event, self._client = server, event, client
        self._arguments: list[Any] | None = None

    @property
    def has_come(self) -> bool:
        self._server.settle()
        return self._arguments is not None

    @property
    def arguments(self) -> list[Any]:
        """
        :raises StillWaiting: it has not come
        """
        self._server.settle()
        if self._arguments is None:
            waits = (
                f"a filter waits ({self._server.way_on}), has failed (server.errors) or stopped "
                "the event, or there is none for it"
            )
            raise StillWaiting(f"{self._event} is not acknowledged: {self._client.reason or waits}")
        return self._arguments

    def give(self, arguments: list[Any]) -> None:
        assert self._arguments is None, f"the server acknowledged {self._event} twice"
        self._arguments = arguments


class Connection(Protocol):
    """One session, and the clients in namespaces on it."""

    server: Server
    session: Session
    is_open: bool

    def enter(self, namespace: str, auth: Any) -> "SocketIOClient": ...
    def post(self, packet: Packet) -> None: ...


class SocketIOClient:
    """A client in one namespace; `Server.socketio` makes it.

    :ivar namespace: the namespace's name
    :ivar session: its connection, which those in other namespaces may share. ``answers_pings`` may be set to False;
        ``close()`` and ``abort()`` end it, politely or not; ``close_code`` is that of its WebSocket
    """

    def __init__(self, connection: Connection, namespace: str, auth: Any) -> None:
        self.namespace = namespace
        self._auth = auth
        self._connection = connection
        self._id: str | None = None
        self._error: ConnectError | None = None
        self._reason: str | None = None
        self._events: list[tuple[Any, ...]] = []
        self._answers: dict[str, Callable[..., Any]] = {}
        self._asked: dict[int, Acknowledgement] = {}

    @property
    def session(self) -> Session:
        return self._connection.session

    def connect(self, namespace: str, auth: Any = None) -> "SocketIOClient":
        """Be in another namespace too, on the same connection.

        :param auth: what the client says of itself
        :raises ConnectError: it is not let in
        """
        return self._connection.enter(namespace, auth)

    @property
    def is_connected(self) -> bool:
        """Whether it is in the namespace. Not yet, while a connect filter waits.

        :raises ConnectError: it was not let in
        """
        self.raise_refusal()
        return self._id is not None and self._reason is None

    @property
    def id(self) -> str:
        """Its id in the namespace: `socket.id` of filters. It keeps it when it has left.

        :raises ConnectError: it was not let in
        :raises ConnectionError: it is not in yet
        """
        if not self.is_connected and self._id is None:
            raise ConnectionError(f"the client is not in {self.namespace}: {self._state()}")
        return str(self._id)

    @property
    def reason(self) -> str | None:
        """Why it is no longer in the namespace, in the words of npm's client: ``io server disconnect``,
        ``io client disconnect``, ``transport close``. None as long as it is.
        """
        self._connection.server.settle()
        return self._reason

    def emit(self, event: str, *arguments: Any) -> None:
        """Emit an event.

        :param arguments: JSON values, and bytes anywhere in them
        :raises ConnectionError: it is not in the namespace
        """
        self._send(EVENT, [event, *arguments])

    def ask(self, event: str, *arguments: Any) -> Acknowledgement:
        """Emit an event, and ask for an acknowledgement, which may come later."""
        self._expect_connected()
        number, acknowledgement = len(self._asked), Acknowledgement(self._connection.server, event, self)
        self._asked[number] = acknowledgement
        self._send(EVENT, [event, *arguments], number)
        return acknowledgement

    def call(self, event: str, *arguments: Any) -> list[Any]:
        """Emit an event, and get the arguments of its acknowledgement.

        :raises StillWaiting: it has not come
        """
        return self.ask(event, *arguments).arguments

    def on(self, event: str, answer: Callable[..., Any]) -> None:
        """Acknowledge an event of the server, where it asks for that. Without this, events are not acknowledged.

        :param answer: called with the event's arguments; what it returns is the acknowledgement, a tuple is several
            arguments, None is none
        """
        self._answers[event] = answer

    def received(self) -> list[tuple[Any, ...]]:
        """The events received since this was last asked, in order: of each its name and its arguments."""
        self._connection.server.settle()
        events, self._events = self._events, []
        return events

    def disconnect(self) -> None:
        """Leave the namespace. The connection stays, for others."""
        self._send(DISCONNECT)
        self.end("io client disconnect")

    # What its connection calls.

    @property
    def is_over(self) -> bool:
        """Whether it was not let in, or has left."""
        return self._error is not None or self._reason is not None

    def raise_refusal(self) -> None:
        """
        :raises ConnectError: it was not let in
        :raises Refused: its session was not
        """
        self.session.raise_refusal()
        if self._error is not None:
            raise self._error

    def enter(self) -> None:
        self._connection.post(Packet(CONNECT, self.namespace, None, self._auth))

    def take(self, packet: Packet) -> None:
        if packet.kind == CONNECT:
            self._id = packet.data["sid"]
        elif packet.kind == CONNECT_ERROR:
            self._error = ConnectError(packet.data["message"], packet.data.get("data"))
        elif packet.kind == DISCONNECT:
            self.end("io server disconnect")
        elif packet.kind == ACKNOWLEDGEMENT:
            assert packet.id in self._asked, f"the server acknowledged what nobody asked it: {packet}"
            self._asked[packet.id].give(packet.data)
        else:
            assert self._id is not None, f"the server sent an event before it let the client in: {packet}"
            self._hear(packet)

    def _hear(self, packet: Packet) -> None:
        name, *arguments = packet.data
        self._events.append((name, *arguments))
        if name in self._answers:
            given = self._answers[name](*arguments)
            if packet.id is not None:
                several = () if given is None else given if isinstance(given, tuple) else (given,)
                self._connection.post(Packet(ACKNOWLEDGEMENT, self.namespace, packet.id, list(several)))

    def end(self, reason: str) -> None:
        if self._reason is None:
            self._reason = reason

    def _send(self, kind: int, data: Any = None, number: int | None = None) -> None:
        self._expect_connected()
        self._connection.post(Packet(kind, self.namespace, number, data))
        self._connection.server.settle()

    def _expect_connected(self) -> None:
        if not self.is_connected:
            raise ConnectionError(f"the client is not in {self.namespace}: {self._state()}")

    def _state(self) -> str:
        if self._reason is not None:
            return self._reason
        waits = f"a filter waits ({self._connection.server.way_on})"
        if self._connection.is_open:
            return waits
        return f"{waits}, or no filter module brings filtered_websocket.filters.socketio"
