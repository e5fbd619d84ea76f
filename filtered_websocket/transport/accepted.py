"""The connections of clients: streams that a port has accepted."""

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet import main, tcp, unix
from twisted.python.failure import Failure

from filtered_websocket.transport.addresses import address, dotted
from filtered_websocket.transport.ends import Ends, ends_of
from filtered_websocket.transport.lingering import MAX_LINGERING, Lingering
from filtered_websocket.transport.reactor import at_turn_end
from filtered_websocket.transport.streams import Port, WriteThrough


class Accepted(WriteThrough):
    """A stream socket of a client."""

    startReading: Callable[[], None]
    server: Port
    _watched: Ends | None = None

    def pauseProducing(self) -> None:
        super().pauseProducing()  # type: ignore[misc]
        self._watch_end(half=self.watcher is not None)

    def resumeProducing(self) -> None:
        self._forget_end()
        super().resumeProducing()  # type: ignore[misc]

    def _watch_end(self, half: bool) -> None:
        if self._watched is None and self.connected:
            self._watched = ends_of(self.reactor)
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

    def loseConnection(self) -> None:
        if (
            self.pending
            or not self.connected
            or self.disconnecting
            or self._writeDisconnected
            or self.producer is not None
        ):
            super().loseConnection()
            return
        # Twisted waits for a write event, though nothing is to be written: two more system calls and a turn.
        self.disconnecting = True
        # Behind what else the turn's end brings: that may write.
        at_turn_end(self.reactor)(lambda: at_turn_end(self.reactor)(self._end))

    def _end(self) -> None:
        if not self.connected or self.aborted or self._writeDisconnected:
            return
        if self.pending:
            self.begin_to_close()
            return
        why = self._postLoseConnection()
        if why is not None:
            self.connectionLost(Failure(why))

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
        if self._closing is not None and self._closing.active():
            self._closing.cancel()
        former, self.protocol = self.protocol, Lingering(self, self.server)
        former.connectionLost(Failure(main.CONNECTION_DONE))
        if self.connected:  # it may have been the last that a server waits for, which has ended now
            self.startReading()
        return None


class _Served(tcp.Server):
    """Twisted's, without two texts that it would write of each connection and keep, for logs that nobody writes."""

    def __init__(self, sock: socket.socket, protocol: Any, client: tuple[Any, ...], *arguments: Any) -> None:
        self.server, self.sessionno, reactor = arguments
        tcp.Connection.__init__(self, sock, protocol, reactor)
        self.client, self.hostname = client, client[0]
        reactor.addReader(self)
        self.connected = 1

    @property
    def logstr(self) -> str:  # type: ignore[override]
        return f"{type(self.protocol).__name__},{self.sessionno},{self.hostname}"

    def __repr__(self) -> str:
        return f"<{type(self.protocol).__name__} #{self.sessionno}>"


class TCPTransport(Accepted, _Served):  # type: ignore[misc]  # doRead, which Twisted types in two ways
    """A TCP connection that writes through. Its port has turned Nagle's algorithm off (`accepting.Listening`)."""

    def __init__(self, sock: socket.socket, protocol: Any, client: tuple[Any, ...], *arguments: Any) -> None:
        super().__init__(sock, protocol, dotted(client), *arguments)

    def getHost(self) -> Any:
        return address(self.socket.getsockname())

    def getPeer(self) -> Any:
        return address(self.client)


class UNIXTransport(Accepted, unix.Server):  # type: ignore[misc]  # as above
    """A connection on a Unix socket that writes through."""
