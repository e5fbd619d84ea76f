"""One byte stream, two servers: the fast paths and Autobahn alone must agree on every input.

Each is the real server on a clock, with a transport in memory. What they must agree on: the messages that filters got,
every byte that was sent, and how the connection ended. No exception, no error in the log, nothing left behind.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from twisted.internet.task import deferLater

from filtered_websocket.connection import receiving
from filtered_websocket.connection.connection import Connection
from filtered_websocket.connection.handshake import MAX_HELD
from filtered_websocket.errors import Close
from filtered_websocket.filters.base import (
    WebSocketConnectFilter,
    WebSocketDisconnectFilter,
    WebSocketMessageFilter,
)
from filtered_websocket.messages.message import in_binary_message
from filtered_websocket.server import server as server_module
from filtered_websocket.testing.memory_transport import MemoryTransport
from filtered_websocket.testing.server import Server
from tests.conformance.autobahn_alone import AutobahnAlone

LIMIT = 300
"""Largest message: small, so that inputs reach it."""
LARGE_LIMIT = 140_000
"""The same for streams of large frames."""
PASS = b""
"""In the place of a piece of the stream: time passes."""
SECONDS = 0.02
LATER = 0.01

HEAD = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate\r\n"


class Joins(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection: Any, data: None) -> None:
        connection.subscribe("all")


class Answers(WebSocketMessageFilter):
    """What it does depends on how a message begins: so a stream can ask for all that a filter may do."""

    @classmethod
    def filter(cls, connection: Any, data: bytearray) -> Any:
        connection.factory.told.append((bytes(data), in_binary_message.get()))
        match data[:1]:
            case b"a":
                return cls.later(connection, data)
            case b"c":
                raise Close(4001, "asked")
            case b"e":
                connection.close(1000, "and go on")
                connection.sendMessage("never sent")
            case b"n":
                pass
            case b"p":
                connection.publish("all", data)
            case b"t":
                connection.sendMessage(data)
                connection.publish("all", data, exclude=connection.id)
                connection.sendMessage(b"again " * 40)
            case _:
                connection.sendMessage(data)
        return None

    @staticmethod
    async def later(connection: Any, data: bytearray) -> None:
        await deferLater(connection.factory.reactor, LATER)
        connection.sendMessage(data)


class Ends(WebSocketDisconnectFilter):
    @classmethod
    def filter(cls, connection: Any, data: None) -> None:
        connection.factory.told.append(("ended", connection.close_code, connection.close_reason))


class Outcome(NamedTuple):
    told: list[Any]
    sent: bytes
    ended_by: str
    counted: dict[tuple[str, str], int]


class End:
    """The client's end of a `MemoryTransport`."""

    def __init__(self, connection: Any) -> None:
        self.outgoing, self.received, self.ended = bytearray(), bytearray(), False
        self.transport = MemoryTransport(connection, self, 50000)
        connection.makeConnection(self.transport)

    def sent(self, data: bytes) -> Iterator[bytes]:
        """What goes over the wire for this, piece by piece."""
        yield data

    def last(self) -> bytes:
        """What goes over the wire before the end."""
        return b""

    def receive(self, data: bytes) -> None:
        self.received += data

    def receive_end(self) -> None:
        self.ended = True


class Side:
    """One of the two servers.

    :param connection: its class of connections
    :param limit: its largest message
    """

    def __init__(self, connection: type[Connection], limit: int) -> None:
        before, server_module.Connection = server_module.Connection, connection  # type: ignore[misc]
        try:
            self.kit = Server(
                Joins, Answers, Ends, max_message_size=limit, ping_interval=0, compression=True, close_timeout=5
            )
        finally:
            server_module.Connection = before  # type: ignore[misc]
        self.kit.__enter__()
        self._server: Any = self.kit.server
        assert issubclass(self._server.protocol, connection)

    def close(self) -> None:
        self.kit.__exit__(None, None, None)

    def play(self, pieces: list[bytes], deflate: bool, share: int, meet: Callable[[Any], End] = End) -> Outcome:
        """Send the pieces and then the end of the stream.

        :param share: messages and parser's steps in a turn; 0: as many as there are
        :param meet: makes the client's end for a new connection
        """
        kit, server = self.kit, self._server
        receiving.SHARE = share or 1 << 30
        receiving.SHARE_SECONDS = -1.0 if share else 1e9
        server.told = []
        before = server.counters.totals.copy()
        connection = server.buildProtocol(None)
        end = meet(connection)
        kit._clients.append(end)  # type: ignore[arg-type]
        self._send(end, HEAD + (DEFLATE if deflate else b"") + b"\r\n")
        # The same on both sides, whatever uuid4 says.
        assert end.received.startswith(b"HTTP/1.1 101"), end.received
        for piece in pieces:
            if piece is PASS or not piece:
                kit.advance(SECONDS)
            else:
                self._send(end, piece)
        # Every filter that waits for time has it.
        kit.advance(1)
        ended_by = "the server" if end.ended else "the client"
        end.outgoing += end.last()
        end.transport.client_ends(reset=False)
        kit.settle()
        if not end.ended:
            kit.advance(20)
            ended_by = "a timeout"
        kit._clients.clear()
        assert end.ended
        errors = kit.errors
        assert not errors, errors
        assert not server.connections
        assert not server.countConnections
        assert not server.admission.addresses._networks
        assert not server.fair_share
        # What waits at most, and the read that went beyond.
        assert len(connection.data) + len(connection.held) <= MAX_HELD + max(map(len, pieces))
        return Outcome(server.told, bytes(end.received), ended_by, dict(server.counters.totals - before))

    def _send(self, end: End, data: bytes) -> None:
        for part in end.sent(data):
            end.outgoing += part
            self.kit.settle()


class Agreement:
    """Both servers."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._defaults = receiving.SHARE, receiving.SHARE_SECONDS
        self._sides = Side(Connection, limit), Side(AutobahnAlone, limit)

    def close(self) -> None:
        for side in reversed(self._sides):
            side.close()
        receiving.SHARE, receiving.SHARE_SECONDS = self._defaults

    def on(self, pieces: list[bytes], deflate: bool = False, share: int = 0) -> Outcome:
        """Play to both; what came of it. AssertionError if they do not agree."""
        fast, alone = (side.play(pieces, deflate, share) for side in self._sides)
        assert fast == alone, f"on {pieces!r}, deflate {deflate}, share {share}:\n{fast}\n{alone}"
        return fast


def split(stream: bytes, cuts: list[int]) -> list[bytes]:
    """A stream in pieces, cut at these places; a place named twice lets time pass there."""
    places = sorted(cut % (len(stream) + 1) for cut in cuts)
    pieces, at = [], 0
    for place in places:
        pieces.append(stream[at:place])
        at = place
    return [*pieces, stream[at:]]
