"""Stream sockets that write through.

Rules:

1. Write through: while a transport has nothing waiting, a write is one ``socket.send`` now. Only what the kernel
   refuses goes into Twisted's buffer, behind which all later writes then queue. (Twisted's own write costs an
   epoll_ctl, a turn of the reactor and a second epoll_ctl.)
   What is large waits as it is, not copied: thousands of transports may hold the same blob.
2. A transport tells its ``watcher`` when it becomes blocked (bytes are waiting) and when it has drained.
3. A connection of a client ends as RFC 6455, 7.1.1, shows it: we close our side, and then read until the peer has
   closed its own, a while at most. A close with something unread, such as a late pong, is a reset, by which the peer
   loses what it has not read yet. Every end has a deadline, before it (while nothing of what was written is taken) and
   after it.
"""

import socket
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet import main, tcp, unix
from twisted.python.failure import Failure

READ_SIZE = 124 * 1024
"""Bytes taken from a socket at once: a frame of 64 KiB with its head, in a buffer below the 128 KiB from which on glibc
would map each anew."""

LARGE = 65536
"""Bytes of a write that waits by reference; smaller ones are joined."""

CLOSING_SECONDS = 10.0
"""How long a connection that is to end may wait for its peer to take anything of what was written before."""


class Watcher(Protocol):
    """What is told whether a transport keeps up."""

    def transport_blocked(self) -> None:
        """Bytes are waiting in the transport's buffer."""

    def transport_drained(self) -> None:
        """The transport's buffer is empty again, or lost with its connection."""

    def transport_ended(self) -> None:
        """The peer has closed or reset the connection, while reading pauses: there may be bytes before its end."""


class Port(Protocol):
    """A port of ours, as its streams know it."""

    count: Callable[..., object] | None
    lingering: int


class WriteThrough:
    """A stream socket. Mixed in before Twisted's transport class."""

    # What every message looks at: see `Connection`.
    __slots__ = (
        "_tempDataBuffer", "_tempDataLen", "aborted", "blocked", "connected", "dataBuffer", "offset", "producer",
        "protocol", "socket", "streamingProducer", "taken", "watcher",
    )  # fmt: skip

    aborted: bool
    watcher: Watcher | None
    taken: int
    """Bytes that the kernel has taken out of the buffer."""

    socket: socket.socket
    server: Port | None = None
    """The port that a client came to."""
    reactor: Any
    disconnecting: bool
    fileno: Callable[[], int]
    dataBuffer: bytes | bytearray | memoryview
    """What is being sent, from the offset on."""
    offset: int
    _tempDataBuffer: list[bytearray | memoryview]
    """What waits behind it."""
    _tempDataLen: int
    _maybePauseProducer: Callable[[], None]
    connected: int
    SEND_LIMIT = 1024 * 1024
    """Bytes of one send: Twisted's own limit would make eight system calls of a MiB."""
    producer: Any
    streamingProducer: bool
    protocol: Any
    _writeDisconnected: bool
    _closing: Any = None
    """The deadline of an end that waits for the peer."""

    def __init__(self, *arguments: Any) -> None:
        self.aborted = self.blocked = self.streamingProducer = False
        self.connected = self.taken = self.offset = 0
        self.dataBuffer = b""
        self.producer = self.protocol = self.watcher = None
        super().__init__(*arguments)

    @property
    def pending(self) -> int:
        """Bytes that wait for the kernel to take them."""
        return len(self.dataBuffer) - self.offset + self._tempDataLen

    def write(self, data: bytes | memoryview) -> None:
        if (
            self._tempDataBuffer
            or self.dataBuffer
            or not self.connected
            # A pull producer is resumed by write events, which a write that went through does not cause.
            or (self.producer is not None and not self.streamingProducer)
        ):
            self.wait(memoryview(data))
            return
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            # The write event that follows meets the same error where Twisted ends connections.
            sent = 0
        if sent != len(data):
            self.wait(memoryview(data)[sent:])

    def write_framed(self, head: bytes, body: bytes | bytearray) -> None:
        """Write these two one behind the other. Nothing is copied but what must wait."""
        if self._tempDataBuffer or self.dataBuffer or not self.connected or self.producer is not None:
            self.wait(memoryview(head + body))
            return
        try:
            sent = self.socket.sendmsg((head, body))
        except OSError:
            sent = 0  # as in `write`
        if sent < len(head):
            self.wait(memoryview(head + body)[sent:])
        elif sent != len(head) + len(body):
            self.wait(memoryview(bytes(memoryview(body)[sent - len(head) :])))

    def wait(self, data: memoryview) -> None:
        """Write when the reactor comes to it, behind what waits already: Twisted's own write, but that it would copy
        what is large as often as somebody waits for it."""
        if not self.connected or self._writeDisconnected or not data:
            return
        waiting = self._tempDataBuffer
        if len(data) >= LARGE:
            waiting.append(data)
        elif waiting and isinstance(waiting[-1], bytearray) and len(waiting[-1]) < LARGE:
            waiting[-1] += data
        else:
            waiting.append(bytearray(data))
        self._tempDataLen += len(data)
        self._maybePauseProducer()
        self.startWriting()

    def doWrite(self) -> Any:
        if self.offset == len(self.dataBuffer) and self._tempDataBuffer:
            self.dataBuffer, self.offset = self._tempDataBuffer.pop(0), 0
            self._tempDataLen -= len(self.dataBuffer)
        if self.dataBuffer:
            # As Twisted does, but that what is left is not joined with what waits behind it.
            sent = self.writeSomeData(memoryview(self.dataBuffer)[self.offset :])
            if not isinstance(sent, int) or sent < 0:
                return sent
            self.offset += sent
            if self.offset < len(self.dataBuffer) or self._tempDataBuffer:
                return None
            self.dataBuffer, self.offset = b"", 0
        more = getattr(self.protocol, "write_more", None)
        if more is not None:
            # TLS may have kept something back.
            more()
            if self._tempDataBuffer:
                return None
        # Nothing is left: what comes then is Twisted's affair.
        return super().doWrite()  # type: ignore[misc]

    def writeSomeData(self, data: Any) -> Any:
        sent = super().writeSomeData(data)  # type: ignore[misc]
        if isinstance(sent, int):
            self.taken += sent
        return sent

    def writeSequence(self, parts: Any) -> None:
        self.write(b"".join(parts))

    def startWriting(self) -> None:
        super().startWriting()  # type: ignore[misc]
        if self.watcher is not None and not self.blocked and (self._tempDataBuffer or self.dataBuffer):
            self.blocked = True
            self.watcher.transport_blocked()

    def stopWriting(self) -> None:
        super().stopWriting()  # type: ignore[misc]
        if self.blocked:
            self.blocked = False
            if self.watcher is not None:
                self.watcher.transport_drained()

    def loseConnection(self) -> None:
        super().loseConnection()  # type: ignore[misc]
        if self.disconnecting:
            self.begin_to_close()

    def begin_to_close(self) -> None:
        """This is to end, now or when what waits above it has gone: there is a deadline from now on."""
        if self._closing is None:
            self._closing = self.reactor.callLater(CLOSING_SECONDS, self._judge_closing, self.taken)

    def _judge_closing(self, taken: int) -> None:
        if self.taken > taken:
            self._closing = self.reactor.callLater(CLOSING_SECONDS, self._judge_closing, self.taken)
        else:
            self._end_overdue()

    def _end_overdue(self) -> None:
        count = getattr(self.server, "count", None)
        if count is not None:
            count("closed", "does not take what it was sent before the end")
        self.abortConnection()

    def abortConnection(self) -> None:
        self.aborted = True
        super().abortConnection()  # type: ignore[misc]

    def connectionLost(self, reason: Failure) -> None:
        if self._closing is not None and self._closing.active():
            self._closing.cancel()
        super().connectionLost(reason)  # type: ignore[misc]

    def doRead(self) -> BaseException | None:
        try:
            data = self.socket.recv(READ_SIZE)
        except BlockingIOError:
            return None
        except OSError:
            return main.CONNECTION_LOST
        if not data:
            return main.CONNECTION_DONE
        # Looked up each time: a connection that turns out to be plain HTTP is handed to another protocol.
        self.protocol.dataReceived(data)
        return None


class TCPClient(WriteThrough, tcp.Client):  # type: ignore[misc]  # as above
    """A connection that we make, such as that to Redis, on TCP."""


class UNIXClient(WriteThrough, unix.Client):  # type: ignore[misc]  # as above
    """The same on a Unix socket."""
