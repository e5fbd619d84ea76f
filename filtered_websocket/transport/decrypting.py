"""The receiving half of TLS: its handshake, what comes, and what ends it from outside.

What has come is decrypted whole before any of it is handled, so nothing waits between the kernel and the protocol when
reading pauses: at most one read of the stream comes on top.
"""

import ssl
from typing import Any

from twisted.python.failure import Failure

from filtered_websocket.transport.plaintext import Plaintext
from filtered_websocket.transport.streams import LARGE

RECORD = 16384
"""Bytes of the largest record (RFC 8446, 5.1): asked for less, OpenSSL would keep a part of one."""

BARREN = 2 * RECORD
"""Bytes that may come with nothing for the protocol in them: more than one record that is not complete. A key update
costs as much as 10 KB of anything else, and OpenSSL counts none."""


class Decrypting:
    """What a `TLSTransport` does as the protocol of its stream.

    :param protocol: what is spoken over TLS; looked up each time, as it may be handed to another one
    :ivar transport: the stream
    :ivar ssl_object: the standard library's, while it is connected
    :ivar disconnecting: nothing more can be written
    """

    # See `Connection`.
    __slots__ = (
        "_barren", "_flows", "_handshaking", "_held", "_incoming", "_outgoing", "_over", "_peer_closed", "_plaintext",
        "_read", "_said", "_write", "connected", "disconnecting", "protocol", "ssl_object", "transport",
    )  # fmt: skip

    transport: Any
    ssl_object: ssl.SSLObject | None
    _read: Any
    _write: Any
    _flows: bool
    """What is written may be encrypted now."""
    _held: bytes | None
    """Ciphertext that goes out in one write when what has come is handled; None: it goes out at once."""
    _over: bool
    """Nothing more is read or written."""
    _plaintext: Plaintext | None
    """What is written and not encrypted yet."""
    _barren: int
    """Bytes that have come since there was something for the protocol in them."""
    _said: int
    """Bytes that TLS itself has said, and the peer has not taken."""

    def __init__(
        self, protocol: Any, context: ssl.SSLContext, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self.protocol = protocol
        self._incoming, self._outgoing = incoming, outgoing
        self.ssl_object = tls = context.wrap_bio(incoming, outgoing, server_side=True)
        self._read, self._write = tls.read, tls.write
        self.connected = self.disconnecting = self._flows = self._over = self._peer_closed = False
        self._handshaking = True
        self._plaintext = self._held = None
        self._barren = self._said = 0

    def makeConnection(self, transport: Any) -> None:
        self.transport = transport
        self.connected = True
        self.protocol.makeConnection(self)

    def dataReceived(self, data: bytes) -> None:
        if self._over:
            return
        self._held = b""
        try:
            self._take(data)
        finally:
            self._release()

    def _take(self, data: bytes) -> None:
        incoming = self._incoming
        incoming.write(data)
        if self._handshaking and not self._shake_hands():
            return
        parts: list[bytes] = []
        closed, wrong = False, None
        try:
            while True:
                part = self._read(RECORD)
                if not part:
                    closed = True
                    break
                parts.append(part)
                if not incoming.pending:
                    break
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            wrong = reason(error)
        if incoming.pending:
            # Behind an end, or an error: it must not become another connection's.
            incoming.read()
        if self._outgoing.pending:
            self._say(self._outgoing.read())
        if wrong is not None:
            self._over, self._flows = True, False
        if parts:
            if self._barren:
                self._barren = 0
            self.protocol.dataReceived(parts[0] if len(parts) == 1 else b"".join(parts))
        else:
            self._barren += len(data)
            if self._barren > BARREN:
                self._count("closed", "TLS error", "key updates, and nothing else")
                self.abortConnection()
        if wrong is not None:
            self._fail("closed", "TLS error", wrong)
        elif closed:
            self._read_end()

    def _shake_hands(self) -> bool:
        """Go on with the handshake; whether it is done, and more has come than that."""
        assert self.ssl_object is not None
        wrong = None
        try:
            self.ssl_object.do_handshake()
            self._handshaking = False
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            wrong = reason(error)
            self._incoming.read()
        if self._outgoing.pending:
            self._say(self._outgoing.read())
        if wrong is not None:
            self._fail("refused", "TLS handshake", wrong)
        if self._handshaking:
            return False
        if not self._over:
            self._flows = self._plaintext is None
            self.write_more()
        if self._over:
            self._incoming.read()
        return bool(self._incoming.pending)

    def _say(self, said: bytes) -> None:
        """Send what TLS itself says: its handshake, answers to key updates, alerts."""
        self._put(said)
        self._said = self._said + len(said) if self.transport.pending else 0
        if self._said > LARGE:
            # Key updates without end, of a peer that reads none of the answers.
            self._count("closed", "TLS error", "takes no answers")
            self.abortConnection()

    def _put(self, encrypted: bytes) -> None:
        held = self._held
        if held is None:
            self.transport.write(encrypted)
        elif len(held) + len(encrypted) <= RECORD:
            self._held = held + encrypted
        else:
            self._held = b""
            self.transport.write(held + encrypted)

    def _release(self) -> None:
        held, self._held = self._held, None
        if held:
            self.transport.write(held)

    def half_closed(self) -> bool:
        """The client has closed its side: whether the connection stays."""
        half_closed = getattr(self.protocol, "half_closed", None)
        return half_closed is not None and bool(half_closed())

    def _read_end(self) -> None:
        """The peer's close alert has come. Writing may go on (RFC 8446, 6.1)."""
        if self._over or self.disconnecting:
            return
        self._peer_closed = True
        if not self.half_closed() and not self._over:
            self._end()

    def _fail(self, what: str, counted: str, wrong: str) -> None:
        """TLS is broken; its alert, if there is one, is sent."""
        self._over, self.disconnecting, self._flows = True, True, False
        self._plaintext = None
        if self.connected:
            self._count(what, counted, wrong)
            self._release()
            self.transport.loseConnection()

    def _count(self, what: str, counted: str, detail: str) -> None:
        count = getattr(self.transport.server, "count", None)
        if count is not None:
            count(what, counted, f"{getattr(self.transport.getPeer(), 'host', 'unix')}: {detail}")

    def connectionLost(self, reason: Failure) -> None:
        self.connected, self._over, self._flows = False, True, False
        protocol, self.protocol = self.protocol, None
        # At once, not when the garbage collector comes.
        self.ssl_object = self._read = self._write = self._plaintext = self._held = None
        protocol.connectionLost(reason)

    # What the sending half does.

    def write_more(self) -> None:
        """Encrypt what waits, as far as there is room."""
        raise NotImplementedError

    def abortConnection(self) -> None:
        """End it now."""
        raise NotImplementedError

    def _end(self) -> None:
        """Send our close alert, and close our side."""
        raise NotImplementedError


def reason(error: ssl.SSLError) -> str:
    """What OpenSSL says is wrong. The error itself would keep the frame that it was raised in, and so the connection,
    until the garbage collector comes."""
    return (error.reason or "unknown").lower().replace("_", " ")
