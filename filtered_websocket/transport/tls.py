"""TLS to clients, by the standard library's `ssl` in memory, between a stream and the protocol on it.

Rules:

1. What is written is encrypted and sent now, in one write, while the stream takes it. What is written while something
   that has come is handled goes out when that is done, in one write too: session tickets and the 101, a close frame and
   the close alert. What the kernel refuses waits in the stream, as ciphertext; behind that no more than `LARGE` is
   encrypted, and the rest waits as it is.
2. All connections of a port have one pair of memory BIOs. OpenSSL takes what it is given out of the one at once, and
   what it leaves in the other is taken at once: both are empty whenever a protocol or the reactor has its turn. With a
   pair of its own, each connection would keep the room of the largest message that it has ever had.
3. The end is a close alert, then that of the stream (`streams`, rule 3); the peer's alert is not waited for (RFC 8446,
   6.1). The peer's close alert is the end of what it sends, as a FIN is, with or without an alert before it: whether
   what it has sent is complete, HTTP and WebSocket tell by themselves.
4. OpenSSL's errors are those of a peer: counted, told to it by an alert, and never raised.
"""

import ssl
from typing import Any

from twisted.internet.interfaces import ISSLTransport
from zope.interface import implementer

from filtered_websocket.transport.decrypting import Decrypting, reason
from filtered_websocket.transport.plaintext import Plaintext
from filtered_websocket.transport.streams import LARGE

AT_ONCE = 1024 * 1024
"""Bytes that are encrypted for one connection in a turn: that takes half a millisecond, and more."""


@implementer(ISSLTransport)
class TLSTransport(Decrypting):
    """The server's end of TLS: the protocol of a stream, and the transport of another protocol."""

    __slots__ = ()

    def send(self, data: bytes) -> int:
        """The hub's fast road: all of it is sent, or waits as ciphertext; or nothing, which `write` is then to see to.

        :returns: how many bytes that were
        """
        if not self._flows or len(data) > LARGE:
            return 0
        try:
            self._write(data)
        except ssl.SSLError:
            return 0
        if self._held is None:
            self.transport.write(self._outgoing.read())
        else:
            self._put(self._outgoing.read())
        return len(data)

    def write(self, data: bytes | memoryview) -> None:
        if self._flows and len(data) <= LARGE and self.transport.pending <= LARGE:
            if data:
                self._encrypt(data, True)
        elif self.connected and not self._over and not (self.disconnecting and self.transport.producer is None):
            if self._plaintext is None:
                self._plaintext = Plaintext()
            self._plaintext.add(data)
            self._flows = False
            self.write_more()

    def writeSequence(self, parts: Any) -> None:
        self.write(b"".join(parts))

    def write_framed(self, head: bytes, body: bytes | bytearray) -> None:
        """As that of the stream."""
        self.write(head + body)

    @property
    def waiting(self) -> int:
        """Bytes that the stream has yet to be given."""
        return len(self._held or b"") + (0 if self._plaintext is None else self._plaintext.size)

    def write_more(self) -> None:
        plaintext, stream = self._plaintext, self.transport
        if plaintext is None or self._handshaking:
            return
        left = AT_ONCE
        while plaintext.size and stream.pending <= LARGE and not self._over:
            piece = plaintext.take(LARGE)
            left -= len(piece)
            self._encrypt(piece, left > 0)
        if not plaintext.size and not self._over:
            self._plaintext = None
            self._flows = not self.disconnecting
            self._end_if_due()

    def _encrypt(self, data: bytes | bytearray | memoryview, now: bool) -> None:
        """
        :param now: send it now; or when others have had their turn
        """
        try:
            self._write(data)
        except ssl.SSLError as error:
            self._fail("closed", "TLS error", reason(error))
            return
        encrypted = self._outgoing.read()
        if now:
            self._put(encrypted)
        else:
            self._release()
            self.transport.wait(memoryview(encrypted))

    # The end.

    def loseConnection(self) -> None:
        # TLS drops what is written after this, where a plain transport sends it: replies that wait for the turn's end.
        uncork = getattr(self.protocol, "uncork", None)
        if uncork is not None:
            uncork()
        if self.disconnecting or not self.connected:
            return
        if self._handshaking and self._plaintext is None:
            self.abortConnection()
            return
        self.disconnecting, self._flows = True, False
        self._end_if_due()
        if not self._over:
            # Something is to be written first, for which the peer must do its part.
            self.transport.begin_to_close()

    def _end_if_due(self) -> None:
        if self.disconnecting and not self._over and self._plaintext is None and self.transport.producer is None:
            self._end()

    def _end(self) -> None:
        assert self.ssl_object is not None
        self._over, self.disconnecting, self._flows = True, True, False
        try:
            self.ssl_object.unwrap()
        except ssl.SSLError:
            pass  # it would read the peer's
        if self._outgoing.pending:
            self._put(self._outgoing.read())
        self._release()
        self.transport.loseConnection()

    def abortConnection(self) -> None:
        self._over, self.disconnecting, self._flows = True, True, False
        self._release()
        self.transport.abortConnection()

    # What is the stream's.

    def pauseProducing(self) -> None:
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        self.transport.resumeProducing()
        if self._peer_closed:
            # The end is read again.
            self.transport.reactor.callLater(0, self._read_end)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        self.transport.unregisterProducer()
        self._end_if_due()

    def getPeerCertificate(self) -> None:
        """Clients are not asked for one."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in Decrypting.__slots__:
            raise AttributeError(name)
        return getattr(self.transport, name)
