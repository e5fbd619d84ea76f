"""TLS: a certificate chain and its key, as every new connection is to use them."""

from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.protocol import connectionDone
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from filtered_websocket.config import Option, text
from filtered_websocket.errors import ConfigError
from filtered_websocket.transport import CLOSING_SECONDS

KEY = Option("key", text, "", "PEM file of the private key; with cert: TLS, and only TLS", flags=("-key",))
CERT = Option("cert", text, "", "PEM file of the certificate, intermediates after it; with key: TLS", flags=("-cert",))
OPTIONS = (KEY, CERT)


@implementer(IOpenSSLServerConnectionCreator)
class Certificate:
    """A server's certificate.

    :param key, cert: PEM files; the certificate first, then the intermediates that lead to a root
    :raises ConfigError: files that cannot be read or do not belong together, in one line
    """

    def __init__(self, key: str, cert: str) -> None:
        # Twisted's own PrivateCertificate would drop the intermediates.
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(SSL.TLS1_2_VERSION)
        context.set_options(SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION)
        # The key first: a certificate that does not belong to the key there is no fault until it is asked for.
        _load("key", key, context.use_privatekey_file)
        _load("cert", cert, context.use_certificate_chain_file)
        try:
            context.check_privatekey()
        except SSL.Error:
            raise ConfigError(f"-key {key} is not the key of the certificate -cert {cert}") from None
        self._context = context

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        return SSL.Connection(self._context, None)

    def wrap(self, factory: Any) -> TLSMemoryBIOFactory:
        """A factory whose connections speak TLS to the client and plain bytes to `factory`'s protocols."""
        creator: Any = self
        return _Factory(creator, False, factory)


class _Transport(BufferingTLSTransport):
    transport: Any
    _deadline: Any = None
    _peer_closed = False

    def loseConnection(self) -> None:
        # TLS drops what is written after this, where a plain transport sends it: replies that wait for the turn's end.
        uncork = getattr(self.wrappedProtocol, "uncork", None)
        if uncork is not None:
            uncork()
        super().loseConnection()
        if self.connected and not self.transport.disconnecting and self._deadline is None:
            # Something is to be written first, for which the peer must do its part.
            self._deadline = self.transport.reactor.callLater(CLOSING_SECONDS, self.abortConnection)

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
        # 6.1); what ends the connection now is what ends every connection (`transport`, rule 5).
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()


class _Factory(TLSMemoryBIOFactory):
    protocol = _Transport

    def buildProtocol(self, addr: Any) -> Any:
        protocol = self.wrappedFactory.buildProtocol(addr)
        # A factory may refuse a connection, before anything is spent on it.
        return self.protocol(self, protocol) if protocol is not None else None


def _load(option: str, path: str, load: Any) -> None:
    try:
        with open(path, "rb") as file:
            # OpenSSL would ask the terminal, and a server has nobody there.
            if option == "key" and b"ENCRYPTED" in file.read():
                raise ConfigError(f"-{option} {path}: is locked with a passphrase; unlock it with: openssl pkey")
        load(path)
    except OSError as error:
        raise ConfigError(f"-{option} {path}: {error.strerror}") from None
    except SSL.Error as error:
        reasons = "; ".join(str(part[2]) for part in error.args[0]) if error.args else str(error)
        raise ConfigError(f"-{option} {path}: not a PEM file of that kind ({reasons or 'no PEM data'})") from None
