"""A server's certificate: a chain and its key, as every new connection from outside is to use them.

Files are checked by pyOpenSSL, which tells which of them is wrong and why. The context that connections get is the
standard library's.
"""

import ssl
import zlib
from typing import Any

from OpenSSL import SSL

from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import text
from filtered_websocket.errors import ConfigError
from filtered_websocket.transport.accepting import Factory
from filtered_websocket.transport.tls import TLSTransport

KEY = Option(
    "key", text, "", "PEM file of the private key; with cert: TLS, and only TLS", flags=("-key",), at_start=True
)

CERT = Option(
    "cert",
    text,
    "",
    "PEM file of the certificate, intermediates after it; with key: TLS",
    flags=("-cert",),
    at_start=True,
)

OPTIONS = (KEY, CERT)


class Certificate:
    """A server's certificate.

    :param key, cert: PEM files; the certificate first, then the intermediates that lead to a root
    :raises ConfigError: files that cannot be read or do not belong together, in one line
    :ivar checksums: of what was read last, in vain or not, by path: zlib's crc32
    :ivar context: what connections get that come from now on; those that are there keep theirs
    """

    def __init__(self, key: str, cert: str) -> None:
        self._key, self._cert = key, cert
        self.checksums: dict[str, int] = {}
        self.context = self.read()

    def read(self) -> ssl.SSLContext:
        """The context that the files make as they are now.

        :raises ConfigError: as above
        """
        key, cert = self._key, self._cert
        checked = SSL.Context(SSL.TLS_SERVER_METHOD)
        # The key first: a certificate that does not belong to the key there is no fault until it is asked for.
        self._check("key", key, checked.use_privatekey_file)
        self._check("cert", cert, checked.use_certificate_chain_file)
        try:
            checked.check_privatekey()
        except SSL.Error:
            raise ConfigError(f"-key {key} is not the key of the certificate -cert {cert}") from None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        # By which a client comes back: OpenSSL's own two are for clients that open several connections at once.
        context.num_tickets = 1
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(cert, key, password=b"")
        except (OSError, ValueError) as error:
            # pyOpenSSL has an OpenSSL of its own, which may know kinds of keys, or find them strong enough, that this
            # one does not.
            reason = getattr(error, "reason", None) or error
            raise ConfigError(f"-key {key}, -cert {cert}: {ssl.OPENSSL_VERSION} does not take them: {reason}") from None
        return context

    def _check(self, option: str, path: str, load: Any) -> None:
        try:
            with open(path, "rb") as file:
                content = file.read()
            self.checksums[path] = zlib.crc32(content)
            # OpenSSL would ask the terminal, and a server has nobody there.
            if option == "key" and b"ENCRYPTED" in content:
                raise ConfigError(f"-{option} {path}: is locked with a passphrase; unlock it with: openssl pkey")
            load(path)
        except OSError as error:
            raise ConfigError(f"-{option} {path}: {error.strerror}") from None
        except SSL.Error as error:
            reasons = "; ".join(str(part[2]) for part in error.args[0]) if error.args else str(error)
            raise ConfigError(f"-{option} {path}: not a PEM file of that kind ({reasons or 'no PEM data'})") from None

    def wrap(self, factory: Factory, shown: "list[Certificate]") -> "TLSFactory":
        """A factory whose connections speak TLS to the client and plain bytes to `factory`'s protocols.

        :param shown: holds this certificate while the factory has a port
        """
        return TLSFactory(self, factory, shown)


class TLSFactory:
    """Makes the protocols of TLS connections. Its parameters are those of `Certificate.wrap`."""

    def __init__(self, certificate: Certificate, factory: Any, shown: list[Certificate]) -> None:
        self._certificate, self._factory, self._shown = certificate, factory, shown
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    def doStart(self) -> None:
        self._shown.append(self._certificate)
        self._factory.doStart()

    def doStop(self) -> None:
        self._shown.remove(self._certificate)
        self._factory.doStop()

    def buildProtocol(self, addr: Any) -> TLSTransport | None:
        protocol = self._factory.buildProtocol(addr)
        # A factory may refuse a connection, before anything is spent on it.
        if protocol is None:
            return None
        return TLSTransport(protocol, self._certificate.context, self._incoming, self._outgoing)
