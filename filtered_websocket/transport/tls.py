"""TLS to clients: encryption of no more than can go out, and the ends of connections."""

from typing import Any

from OpenSSL import SSL
from twisted.internet.protocol import connectionDone
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure

from filtered_websocket.transport import streams
from filtered_websocket.transport.streams import LARGE


class TLSTransport(BufferingTLSTransport):
    """TLS to a client. It encrypts what can go out, and no more: what is large waits as it is, since thousands of
    connections may hold the same."""

    transport: Any
    waiting = 0
    """Bytes that are not yet encrypted."""
    _appSendBuffer: list[Any]
    _deadline: Any = None
    _peer_closed = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        aggregate = self.write

        def write(data: bytes) -> None:
            if len(data) < LARGE:
                aggregate(data)
            elif not self.disconnecting or self._producer is not None:
                # Joined with small ones it would be a copy.
                self._aggregator.flush()
                self._write(data)

        self.write = write  # type: ignore[method-assign]  # as Twisted does

    def _write(self, data: Any) -> None:
        at = 0
        while at < len(data):
            if self._appSendBuffer or getattr(self.transport, "pending", 0) >= LARGE:
                self._bufferedWrite(memoryview(data)[at:])
                return
            super()._write(bytes(memoryview(data)[at : at + LARGE]) if len(data) > LARGE else bytes(data))
            at += LARGE

    def _bufferedWrite(self, data: Any) -> None:
        self.waiting += len(data)
        last = self._appSendBuffer[-1] if self._appSendBuffer else None
        if len(data) < LARGE and isinstance(last, bytearray) and len(last) < LARGE:
            last += data
        else:
            super()._bufferedWrite(data if len(data) >= LARGE else bytearray(data))

    def _unbufferPendingWrites(self) -> None:
        self.waiting = 0
        super()._unbufferPendingWrites()

    def write_more(self) -> None:
        """The transport beneath has room again."""
        if self._appSendBuffer:
            self._unbufferPendingWrites()

    def loseConnection(self) -> None:
        # TLS drops what is written after this, where a plain transport sends it: replies that wait for the turn's end.
        uncork = getattr(self.wrappedProtocol, "uncork", None)
        if uncork is not None:
            uncork()
        super().loseConnection()
        if self.connected and not self.transport.disconnecting and self._deadline is None:
            # Something is to be written first, for which the peer must do its part.
            self._judge_later()

    def _judge_later(self) -> None:
        later = self.transport.reactor.callLater
        self._deadline = later(streams.CLOSING_SECONDS, self._judge_closing, self.transport.taken)

    def _judge_closing(self, taken: int) -> None:
        if self.waiting and self.transport.taken > taken:
            self._judge_later()
        else:
            self.transport.end_overdue()

    def half_closed(self) -> bool:
        """The client has closed its side: whether the connection stays."""
        half_closed = getattr(self.wrappedProtocol, "half_closed", None)
        return half_closed is not None and bool(half_closed())

    def _flushReceiveBIO(self) -> None:
        self._peer_closed = False
        super()._flushReceiveBIO()
        if self._peer_closed:
            # Writing goes on: RFC 8446, 6.1.
            self._lostTLSConnection = False

    def _tlsShutdownFinished(self, reason: Failure | None) -> None:
        if self._peer_closed:
            self._lostTLSConnection = True  # for the loop that reads
        else:
            super()._tlsShutdownFinished(reason)

    def _shutdownTLS(self) -> None:
        alerted = self._tlsConnection.get_shutdown() & SSL.RECEIVED_SHUTDOWN
        if alerted and self.connected and not self.disconnecting and self.half_closed():
            self._peer_closed = not self.disconnecting
            return
        super()._shutdownTLS()
        # Twisted waits for the peer's close alert, for ever if need be. The alert is sent, that is enough (RFC 8446,
        # 6.1); what ends the connection now is what ends every connection (`transport.streams`, rule 3).
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self._appSendBuffer, self.waiting = [], 0
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()


class TLSFactory(TLSMemoryBIOFactory):
    protocol = TLSTransport

    def buildProtocol(self, addr: Any) -> Any:
        protocol = self.wrappedFactory.buildProtocol(addr)
        # A factory may refuse a connection, before anything is spent on it.
        return self.protocol(self, protocol) if protocol is not None else None
