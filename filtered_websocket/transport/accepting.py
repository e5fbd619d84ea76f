"""How a port accepts.

A process that has no descriptor left refuses: the client is closed at once, counted, and the port goes on. Clients of a
port that is for everybody leave a few descriptors to what the server needs itself: its storage, its log, the port for
its operator, the files of a reload.
"""

import errno
import os
import socket
from collections.abc import Callable
from typing import Any, Protocol

from twisted.logger import Logger

from filtered_websocket.transport.descriptors import descriptors

_log = Logger()

AT_ONCE = 100
"""Connections that a port accepts in one turn of the reactor."""

PAUSE = 0.1
"""Seconds a port rests when nothing can be accepted, not even to be closed."""

_NONE_LEFT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Factory(Protocol):
    """What makes the protocol of a connection. Twisted's interface is Zope's, which mypy does not read."""

    def buildProtocol(self, addr: Any) -> Any: ...


class Listening(socket.socket):
    """A listening socket that has its family and type as numbers. To another they are enumerations, which `accept` asks
    for with each client: a thirtieth of a handshake."""

    __slots__ = ("family", "type")

    def __init__(self, opened: socket.socket) -> None:
        family, kind = int(opened.family), int(opened.type)
        super().__init__(family, kind, opened.proto, opened.detach())
        self.family, self.type = family, kind  # type: ignore[misc, assignment]  # properties of other sockets
        self.setblocking(False)
        if family != socket.AF_UNIX:
            # Small frames must not wait for the acknowledgement of the frame before them (Nagle). What is accepted has
            # the option from here.
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def accept(self) -> tuple[socket.socket, Any]:
        # As Python's own, which then looks for timeouts that no socket here has.
        number, name = self._accept()  # type: ignore[attr-defined]
        return socket.socket(self.family, self.type, self.proto, number), name


class Accepting:
    """A port of ours. Mixed in before Twisted's class, which logs every client that it cannot accept, and counts none.

    :ivar count: told what happens to clients here: what, reason, the client's address (`Counters.count`)
    :ivar kept_back: how many descriptors its clients leave to others
    :ivar lingering: connections of this port that are over, and whose peers have yet to close their side
    """

    count: Callable[..., object] | None = None
    lingering = 0
    kept_back = 0
    factory: Factory
    socket: Any
    fileno: Callable[[], int]
    transport: Any
    reactor: Any
    sessionno: int
    connected: bool
    _buildAddr: Callable[[Any], Any]
    startReading: Callable[[], None]
    stopReading: Callable[[], None]
    _spare: int | None = None

    def startListening(self) -> None:
        super().startListening()  # type: ignore[misc]
        self.socket = Listening(self.socket)
        self.fileno = self.socket.fileno
        self._most = descriptors()
        self._reserve()

    def doRead(self) -> None:
        accept, most = self.socket.accept, self._most - self.kept_back
        for _ in range(AT_ONCE):
            try:
                opened, name = accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NONE_LEFT:
                    self._none_left(error)
                    return
                continue  # the fault of that one connection: accept(2), "Error handling"
            if opened.fileno() >= most:
                self._refuse(opened, name)
                continue
            try:
                self._serve(opened, name)
            except Exception:
                _log.failure("a connection could not be served")
                opened.close()

    def _serve(self, opened: Any, name: Any) -> None:
        if len(name) == 4 and opened.family == socket.AF_INET6 and name[3]:
            host, _ = socket.getnameinfo(name, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)  # with its scope
            name = (host, *name[1:])
        protocol = self.factory.buildProtocol(self._buildAddr(name))
        if protocol is None:
            opened.close()
            return
        self.sessionno += 1
        protocol.makeConnection(self.transport(opened, protocol, name, self, self.sessionno, self.reactor))

    def _refuse(self, opened: Any, name: Any) -> None:
        opened.close()
        self._count_refused(str(name[0]) if isinstance(name, tuple) else "unix")

    def _count_refused(self, detail: str) -> None:
        if self.count is not None:
            self.count("refused", "out of descriptors", detail)

    def _none_left(self, error: OSError) -> None:
        """Close the clients that wait in the kernel, each on the descriptor that is kept for this; without it, rest."""
        for _ in range(AT_ONCE if self._spare is not None and error.errno == errno.EMFILE else 0):
            self._release()
            try:
                self._refuse(*self.socket.accept())
            except OSError:
                self._reserve()
                return
            self._reserve()
            if self._spare is None:
                break
        self._count_refused(error.strerror or "")
        self.stopReading()
        self.reactor.callLater(PAUSE, self._go_on)

    def _go_on(self) -> None:
        if self.connected:
            self._reserve()
            self.startReading()

    def _reserve(self) -> None:
        if self._spare is None:
            try:
                self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                pass  # asked for again

    def _release(self) -> None:
        if self._spare is not None:
            os.close(self._spare)
            self._spare = None

    def connectionLost(self, reason: Any) -> None:
        self._release()
        super().connectionLost(reason)  # type: ignore[misc]
