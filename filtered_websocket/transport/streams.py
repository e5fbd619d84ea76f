"""Sockets that write through, and the reactor that reads them with little ceremony.

Rules:

1. Write through: while a transport has nothing waiting, a write is one ``socket.send`` now. Only what the kernel
   refuses goes into Twisted's buffer, behind which all later writes then queue. (Twisted's own write costs an
   epoll_ctl, a turn of the reactor and a second epoll_ctl.)
   What is large waits as it is, not copied: thousands of transports may hold the same blob.
2. A transport tells its ``watcher`` when it becomes blocked (bytes are waiting) and when it has drained.
3. The lean reactor reads from several sockets, then handles what they brought: the kernel's code and the interpreter's
   take turns less often, and each finds its caches warm.
4. The lean reactor is told of a socket when something comes, not for as long as something is there (edge-triggered):
   sockets are handled in the order in which they became readable. So whoever was served last in one turn is not last
   again in the next, for which he comes a moment too late. Whatever may have left something unread asks again: `_arm`.
5. A connection of a client ends as RFC 6455, 7.1.1, shows it: we close our side, and then read until the peer has
   closed its own, a while at most. A close with something unread, such as a late pong, is a reset, by which the peer
   loses what it has not read yet. Every end has a deadline, before it (while nothing of what was written is taken) and
   after it.
6. Every reactor that is installed here counts its seconds by the monotonic clock: no interval ends, or grows, because
   the wall clock is set. The date is what `time.time` says.
7. What is asked for by `at_turn_end` runs once, after the events of this reactor turn and before the next poll; what
   timers and Deferreds produced does not wait for a socket event.
"""

import socket
from collections.abc import Callable
from select import EPOLLERR, EPOLLET, EPOLLHUP, EPOLLRDHUP, epoll
from typing import Any, Protocol

from twisted.internet import main, tcp, unix
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.logger import Logger
from twisted.python.failure import Failure

_log = Logger()

READ_SIZE = 65536
"""Bytes taken from a socket at once."""

LARGE = 65536
"""Bytes of a write that waits by reference; smaller ones are joined."""


CLOSING_SECONDS = 10.0
"""How long a connection that is to end may wait for its peer to take anything of what was written before."""

LINGER_SECONDS, MAX_LINGER_SECONDS = 2.0, 10.0
LINGER_BYTES = 64 * 1024 * 1024
MAX_LINGERING = 1000
"""A peer that has yet to close too is waited for so long while it says nothing, and so long in all; for so many bytes
(what was on its way when it could not yet know), and on so many connections of a port at once."""


class Watcher(Protocol):
    """Who wants to know whether a transport keeps up."""

    def transport_blocked(self) -> None:
        """Bytes are waiting in the transport's buffer."""

    def transport_drained(self) -> None:
        """The transport's buffer is empty again, or lost with its connection."""

    def transport_ended(self) -> None:
        """The peer has closed or reset the connection, while reading pauses: there may be bytes before its end."""


class WriteThrough:
    """A stream socket. Mixed in before Twisted's transport class."""

    # What every message looks at: see protocol.Connection.
    __slots__ = (
        "_tempDataBuffer", "_tempDataLen", "aborted", "blocked", "connected", "dataBuffer", "offset", "producer",
        "protocol", "socket", "streamingProducer", "taken", "watcher",
    )  # fmt: skip

    aborted: bool
    watcher: Watcher | None
    taken: int
    """Bytes that the kernel has taken out of the buffer."""

    socket: socket.socket
    server: Any = None
    """The port that it came to."""
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
            self._wait(memoryview(data))
            return
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            # The write event that follows meets the same error where Twisted ends connections.
            sent = 0
        if sent != len(data):
            self._wait(memoryview(data)[sent:])

    def _wait(self, data: memoryview) -> None:
        """Twisted's own write, but that it would copy what is large as often as somebody waits for it."""
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
        if self.disconnecting and self._closing is None:
            self._closing = self.reactor.callLater(CLOSING_SECONDS, self._judge_closing, self.taken)

    def _judge_closing(self, taken: int) -> None:
        if self.taken > taken:
            self._closing = self.reactor.callLater(CLOSING_SECONDS, self._judge_closing, self.taken)
        else:
            self.end_overdue()

    def end_overdue(self) -> None:
        """End a connection that should have ended long ago, by itself or by the TLS above it."""
        if getattr(self.server, "count", None) is not None:
            self.server.count("closed", "does not take what it was sent before the end")
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


class _Lingering:
    """The protocol of a connection that is over for everybody but the kernel: drops what still comes."""

    def __init__(self, transport: "_Accepted") -> None:
        self._transport = transport
        self._left = self._seen = LINGER_BYTES
        transport.server.lingering += 1
        self._ends = transport.reactor.seconds() + MAX_LINGER_SECONDS
        self._timer = transport.reactor.callLater(LINGER_SECONDS, self._judge)

    def dataReceived(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            self._transport.abortConnection()

    def _judge(self) -> None:
        reactor = self._transport.reactor
        if self._left == self._seen or reactor.seconds() + LINGER_SECONDS > self._ends:
            self._transport.connectionLost(Failure(main.CONNECTION_DONE))
        else:
            self._seen = self._left
            self._timer = reactor.callLater(LINGER_SECONDS, self._judge)

    def connectionLost(self, reason: Failure) -> None:
        self._transport.server.lingering -= 1
        if self._timer.active():
            self._timer.cancel()


class _Ends:
    """Sees the ends of connections that are not read, on any reactor: an epoll, which the reactor watches."""

    def __init__(self, reactor: Any) -> None:
        self._poller = epoll()
        self._streams: dict[int, _Accepted] = {}
        self.fileno = self._poller.fileno
        self._reactor = reactor
        reactor.addReader(self)

    def watch(self, stream: "_Accepted", half: bool) -> None:
        """
        :param half: whether the peer's end alone is one (a FIN), not only that of both (a reset)
        """
        fd = stream.fileno()
        self._poller.register(fd, (EPOLLRDHUP if half else 0) | EPOLLET)
        self._streams[fd] = stream

    def forget(self, stream: "_Accepted") -> None:
        fd = stream.fileno()
        if self._streams.get(fd) is stream:
            del self._streams[fd]
            if not self._poller.closed:
                self._poller.unregister(fd)

    def doRead(self) -> None:
        for fd, event in self._poller.poll(0):
            stream = self._streams.get(fd)
            if stream is None:
                continue
            try:
                stream.peer_ended(bool(event & (EPOLLHUP | EPOLLERR)))
            except Exception:
                # Each end is told once: one that fails takes nobody else's.
                _log.failure("a connection has failed at its end")

    def connectionLost(self, reason: Failure) -> None:
        """The reactor ends."""
        _ENDS.pop(self._reactor, None)
        self._poller.close()

    def logPrefix(self) -> str:
        return "ends"


_ENDS: dict[Any, _Ends] = {}


class _Accepted(WriteThrough):
    """A stream socket of a client."""

    startReading: Callable[[], None]
    _watched: _Ends | None = None

    def pauseProducing(self) -> None:
        super().pauseProducing()  # type: ignore[misc]
        self._watch_end(half=self.watcher is not None)

    def resumeProducing(self) -> None:
        self._forget_end()
        super().resumeProducing()  # type: ignore[misc]

    def _watch_end(self, half: bool) -> None:
        if self._watched is None and self.connected:
            self._watched = _ENDS.get(self.reactor) or _ENDS.setdefault(self.reactor, _Ends(self.reactor))
            self._watched.watch(self, half)

    def _forget_end(self) -> None:
        watched, self._watched = self._watched, None
        if watched is not None:
            watched.forget(self)

    def peer_ended(self, both: bool) -> None:
        """The peer has ended what is not read.

        :param both: there is no writing to it any more either
        """
        if self.disconnecting and not both:
            return  # what is still to be written may be awaited
        if self.watcher is not None:
            self.watcher.transport_ended()
        elif both:
            self.connectionLost(Failure(main.CONNECTION_LOST))

    def readConnectionLost(self, reason: Failure) -> None:
        half_closed = getattr(self.protocol, "half_closed", None)
        if half_closed is not None and half_closed():
            self._watch_end(half=False)
        else:
            self.connectionLost(reason)

    def connectionLost(self, reason: Failure) -> None:
        self._forget_end()
        super().connectionLost(reason)

    def _postLoseConnection(self) -> BaseException | None:
        if self.server.lingering >= MAX_LINGERING:
            return main.CONNECTION_DONE
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return main.CONNECTION_DONE
        self._writeDisconnected = True
        if self._closing.active():
            self._closing.cancel()
        former, self.protocol = self.protocol, _Lingering(self)
        former.connectionLost(Failure(main.CONNECTION_DONE))
        self.startReading()
        return None


class TCPTransport(_Accepted, tcp.Server):  # type: ignore[misc]  # doRead, which Twisted types in two ways
    """A TCP connection that writes through."""

    def __init__(self, sock: socket.socket, protocol: Any, client: tuple[Any, ...], *arguments: Any) -> None:
        # Small frames must not wait for the acknowledgement of the frame before them (Nagle).
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock, protocol, _dotted(client), *arguments)

    def getHost(self) -> Any:
        return address(self.socket.getsockname())


class UNIXTransport(_Accepted, unix.Server):  # type: ignore[misc]  # as above
    """A connection on a Unix socket that writes through."""


class TCPClient(WriteThrough, tcp.Client):  # type: ignore[misc]  # as above
    """A connection that we make, such as that to Redis, on TCP."""


class UNIXClient(WriteThrough, unix.Client):  # type: ignore[misc]  # as above
    """The same on a Unix socket."""


def _dotted(name: tuple[Any, ...]) -> tuple[Any, ...]:
    """A socket's address; that of an IPv4 peer on an IPv6 socket as it would be on an IPv4 socket."""
    host = name[0]
    return (host[7:], name[1]) if len(name) == 4 and host.startswith("::ffff:") and "." in host else name


def address(name: tuple[Any, ...]) -> IPv4Address | IPv6Address:
    """The same for Twisted."""
    name = _dotted(name)
    return IPv4Address("TCP", *name) if len(name) == 2 else IPv6Address("TCP", *name)
