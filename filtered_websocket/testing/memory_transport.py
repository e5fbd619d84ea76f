"""Connections without sockets."""

from collections.abc import Iterable
from typing import Any, Protocol

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.python.failure import Failure


class Client(Protocol):
    """The client's end: it gives bytes in ``outgoing``."""

    outgoing: bytearray

    def receive(self, data: bytes) -> None: ...
    def receive_end(self) -> None: ...


class MemoryTransport:
    """The server's end of a connection: a transport whose bytes lie in memory until `move` carries them.

    While its client is stalled, it takes nothing of what is written: as a socket whose buffers are full, it tells its
    protocol so, and is the stream that the protocol looks at (`transport.streams.WriteThrough`).

    :param protocol: the server's; looked up each time, as it may be handed to another one
    :ivar watcher: what learns that bytes wait, which is the protocol
    :ivar taken: bytes that the client has taken of those that waited
    """

    disconnecting = False
    disconnected = False
    connected = True
    aborted = False
    watcher: Any = None
    taken = 0

    def __init__(self, protocol: Any, client: Client, port: int) -> None:
        self.protocol = protocol
        self._client = client
        self._port = port
        self._written = bytearray()
        self._paused = False
        self._stalled = False
        self._client_gone: Exception | None = None
        self._ended = False

    # What a protocol calls.

    def write(self, data: bytes) -> None:
        if self.connected and not self.disconnecting:
            self._written += data
            if self._stalled and self.watcher is None and self._written:
                self.watcher = self.protocol
                self.protocol.stream = self
                self.protocol.transport_blocked()

    @property
    def pending(self) -> int:
        """Bytes that the client has not taken."""
        return len(self._written)

    def writeSequence(self, parts: Iterable[bytes]) -> None:
        self.write(b"".join(parts))

    def loseConnection(self) -> None:
        self.disconnecting = True

    def abortConnection(self) -> None:
        self.aborted = True

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Nothing written here ever waits, so nothing is ever paused."""

    def unregisterProducer(self) -> None:
        """See `registerProducer`."""

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", self._port)

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", 80)

    # What the kit calls.

    def client_ends(self, reset: bool) -> None:
        """The client has closed its end, or reset the connection."""
        self._client_gone = ConnectionLost() if reset else ConnectionDone()

    def stall(self) -> None:
        """The client reads nothing more."""
        self._stalled = True

    def go_on(self) -> None:
        """The client reads again."""
        self._stalled = False
        watcher, self.watcher = self.watcher, None
        if watcher is not None:
            self.taken += self.pending
            watcher.stream = None
            watcher.transport_drained()

    def move(self) -> bool:
        """Carry what lies on either side; False if there was nothing."""
        if not self.connected:
            return False
        moved = False
        if self.aborted:
            self._written.clear()
            self._lose(ConnectionAborted())
            return True
        if self._client.outgoing and not self._paused:
            data = bytes(self._client.outgoing)
            self._client.outgoing.clear()
            self.protocol.dataReceived(data)
            moved = True
        if self._written and not self._stalled:
            data = bytes(self._written)
            self._written.clear()
            self._client.receive(data)
            moved = True
        if self.disconnecting and not self._written:
            self._lose(ConnectionDone())
            return True
        if self._client_gone is not None and not self._ended:
            return self._tell_end(self._client_gone) or moved
        return moved

    def _tell_end(self, why: Exception) -> bool:
        if self._client.outgoing and not self._paused:
            return False
        if self._paused and hasattr(self.protocol, "transport_ended"):
            self._ended = True
            self.protocol.transport_ended()
            return True
        if isinstance(why, ConnectionDone) and (self._paused or self.protocol.half_closed()):
            # An HTTP client that has closed its side waits for its answer.
            return False
        self._lose(why)
        return True

    def connectionLost(self, reason: Failure) -> None:
        """The protocol has been told of the client's end, and takes it for that of the connection."""
        if self.connected:
            self._lose(reason.value)  # type: ignore[arg-type]  # it has one

    def _lose(self, reason: Exception) -> None:
        self.connected, self.disconnected = False, True
        self.protocol.connectionLost(Failure(reason))
        self._client.receive_end()
