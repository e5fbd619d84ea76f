"""TLS: a certificate chain and its key, as every new connection from outside is to use them; and whom all connections
to the outside trust.

Rule of the second: whatever goes wrong while a certificate is verified refuses. Twisted's own refuses for a name that
does not match, and for nothing else: any other exception is logged, and the connection stands.
"""

import ipaddress
import ssl
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL, crypto
from service_identity.exceptions import CertificateError
from service_identity.hazmat import (
    DNS_ID,
    CertificatePattern,
    DNSPattern,
    IPAddress_ID,
    IPAddressPattern,
    verify_service_identity,
)
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IOpenSSLServerConnectionCreator
from twisted.internet.protocol import connectionDone
from twisted.protocols.tls import BufferingTLSTransport, TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import text
from filtered_websocket.errors import ConfigError
from filtered_websocket.transport import streams
from filtered_websocket.transport.streams import LARGE

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
        # 6.1); what ends the connection now is what ends every connection (`transport`, rule 5).
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self._appSendBuffer, self.waiting = [], 0
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


class Trust(NamedTuple):
    """Whom a connection to the outside trusts, and as whom it comes.

    :ivar authorities, folder, data: who may sign the server's certificate: a PEM file, a folder as ``openssl rehash``
        makes it, PEM itself; the system's if there is none of them
    :ivar certificate, key, password: PEM files of the client's own certificate and its key, and what unlocks the key
    :ivar verify: whether the certificate is verified at all
    :ivar names: whether it is to be the certificate of the host that was asked for
    :ivar lowest: lowest version of TLS, such as ``ssl.TLSVersion.TLSv1_3``
    :ivar ciphers: as OpenSSL lists them, "" for its own
    """

    authorities: str = ""
    folder: str = ""
    data: str = ""
    certificate: str = ""
    key: str = ""
    password: str = ""
    verify: bool = True
    names: bool = True
    lowest: int = ssl.TLSVersion.TLSv1_2
    ciphers: str = ""

    def wrap(self, endpoint: Any, host: str) -> Any:
        """An endpoint that speaks TLS on what this one connects. What is written before the server is known waits.

        :param host: whose certificate it has to be
        :raises OSError, ValueError: files that cannot be read, or are none of their kind
        """
        client: Any = _Client(self, host)
        return wrapClientTLS(client, endpoint)

    def context(self) -> ssl.SSLContext:
        """The same for sockets that block. Raises as `wrap` does (ssl's errors are an OSError)."""
        context = ssl.create_default_context(
            cafile=self.authorities or None, capath=self.folder or None, cadata=self.data or None
        )
        context.hostname_checks_common_name = False  # RFC 9110, 4.3.4
        context.check_hostname = self.verify and self.names
        context.verify_mode = ssl.CERT_REQUIRED if self.verify else ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion(self.lowest)
        if self.ciphers:
            context.set_ciphers(self.ciphers)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key or None, self.password)
        return context


class Refused(ConnectionError):  # noqa: N818 -- what it is
    """The server's certificate is not what was wanted."""


@implementer(IOpenSSLClientConnectionCreator)
class _Client:
    def __init__(self, trust: Trust, host: str) -> None:
        self._trust, self._host = trust, host
        try:
            self._id: Any = IPAddress_ID(host)
        except ValueError:
            self._id = DNS_ID(host.encode("idna").decode("ascii"))
        try:
            self._context = _context(trust)
        except SSL.Error as error:
            reasons = "; ".join(str(part[2]) for part in error.args[0]) if error.args else "no PEM data"
            raise ValueError(f"TLS: {reasons}") from None

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        connection = SSL.Connection(self._context, None)
        if isinstance(self._id, DNS_ID):
            connection.set_tlsext_host_name(self._id.hostname)
        if not self._trust.verify:
            return connection

        def verify(connection: Any, certificate: crypto.X509, number: int, depth: int, good: int) -> bool:
            try:
                if good and depth == 0 and self._trust.names:
                    _check_names(certificate.to_cryptography(), self._id, self._host)
            except BaseException:
                # OpenSSL would lose it, and tells of a refusal only what kind of one it was.
                protocol.failVerification(Failure())
                return False
            return bool(good)

        connection.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, verify)
        return connection


def _context(trust: Trust) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(trust.lowest)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    if trust.ciphers:
        context.set_cipher_list(trust.ciphers.encode())
    for path in (trust.authorities, trust.certificate, trust.key):
        if path:
            with open(path, "rb"):
                pass  # OpenSSL does not say which file there is not
    if trust.authorities or trust.folder:
        context.load_verify_locations(trust.authorities or None, trust.folder or None)
    if trust.data:
        store: Any = context.get_cert_store()
        for each in x509.load_pem_x509_certificates(trust.data.encode()):
            store.add_cert(crypto.X509.from_cryptography(each))
    if not (trust.authorities or trust.folder or trust.data):
        context.set_default_verify_paths()
    if trust.certificate:
        context.use_certificate_chain_file(trust.certificate)
        with open(trust.key or trust.certificate, "rb") as file:
            key: Any = serialization.load_pem_private_key(file.read(), trust.password.encode() or None)
        context.use_privatekey(key)
    return context


def _check_names(certificate: x509.Certificate, wanted: Any, host: str) -> None:
    """Names that no verifier can read match nothing, and cost those beside them nothing.

    :raises Refused: the certificate is not this host's
    """
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    patterns: list[CertificatePattern] = []
    for name in names.get_values_for_type(x509.DNSName):
        try:
            patterns.append(DNSPattern.from_bytes(name.encode("ascii")))
        except (CertificateError, UnicodeEncodeError):
            continue
    addresses = names.get_values_for_type(x509.IPAddress)
    kinds = ipaddress.IPv4Address | ipaddress.IPv6Address  # and no networks
    patterns.extend(IPAddressPattern(each) for each in addresses if isinstance(each, kinds))
    try:
        verify_service_identity(patterns, [wanted], [])
    except Exception:
        raise Refused(f"its certificate is not one for {host}") from None
