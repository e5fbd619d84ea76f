"""The second port, which the original had for HTTP. Everything is on the first one too."""

from typing import Any

from OpenSSL import SSL
from twisted.internet import ssl
from twisted.internet.error import CannotListenError
from twisted.logger import Logger

from filtered_websocket.errors import ConfigError

_log = Logger()


def check(options: Any) -> None:
    """
    :raises ConfigError: SERVER_SSL says one thing, and the key another
    """
    secure = bool(getattr(options, "key", "") and getattr(options, "cert", ""))
    if options.pushi_server_ssl is not None and options.pushi_server_ssl != secure:
        want = "give SERVER_SSL_KEY and SERVER_SSL_CER" if options.pushi_server_ssl else "leave key and certificate out"
        raise ConfigError(f"SERVER_SSL (pushi_server_ssl) is {int(options.pushi_server_ssl)}: {want}, or leave it out")


def listen(pipeline: Any) -> Any:
    """Open the port, if there is to be one; what is returned has ``stopListening``.

    :raises ConfigError: it cannot be had
    """
    options, reactor = pipeline.options, pipeline.server.reactor
    if options.pushi_rest_port is None:
        return None
    if getattr(options, "workers", 1) not in (None, 1):
        raise ConfigError("pushi_rest_port wants workers to be 1; HTTP is answered on the server's own port as well")
    site, backlog = pipeline.server.site, options.backlog
    secure = bool(options.pushi_rest_key) if options.pushi_rest_ssl is None else options.pushi_rest_ssl
    where = options.pushi_rest_port, options.pushi_rest_host
    try:
        if secure:
            context = _context(options.pushi_rest_key, options.pushi_rest_cert)
            opened = reactor.listenSSL(where[0], site, context, backlog, where[1])
        else:
            opened = reactor.listenTCP(where[0], site, backlog, where[1])
    except CannotListenError as error:
        reason = getattr(error.socketError, "strerror", None) or error.socketError
        raise ConfigError(f"cannot listen on pushi_rest_port {where[0]} of {where[1]}: {reason}") from None
    address = f"{'https' if secure else 'http'}://{where[1]}:{opened.getHost().port}"
    _log.info("Pushi's HTTP on {address}", address=address)
    return opened


class _Context(ssl.ContextFactory):
    """TLS with a certificate and those that signed it, as in SERVER_SSL_CER."""

    def __init__(self, key: str, cert: str) -> None:
        self._context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._context.set_min_proto_version(SSL.TLS1_2_VERSION)
        self._context.use_certificate_chain_file(cert)
        self._context.use_privatekey_file(key)
        self._context.check_privatekey()

    def getContext(self) -> SSL.Context:
        return self._context


def _context(key: str, cert: str) -> _Context:
    try:
        return _Context(key, cert or key)
    except (SSL.Error, OSError):
        raise ConfigError("pushi_rest_key and pushi_rest_cert: no key and certificate that fit are there") from None
