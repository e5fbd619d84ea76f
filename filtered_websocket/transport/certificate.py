"""A server's certificate: a chain and its key, as every new connection from outside is to use them."""

from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import text
from filtered_websocket.errors import ConfigError
from filtered_websocket.transport.accepting import Factory
from filtered_websocket.transport.tls import TLSFactory

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

    def wrap(self, factory: Factory) -> TLSMemoryBIOFactory:
        """A factory whose connections speak TLS to the client and plain bytes to `factory`'s protocols."""
        creator: Any = self
        inner: Any = factory
        return TLSFactory(creator, False, inner)


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
