"""The second port, which the original had for HTTP. Everything is on the first one too."""

from typing import Any

from twisted.logger import Logger

from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.errors import ConfigError
from filtered_websocket.transport import listening
from filtered_websocket.transport.addresses import addresses_of
from filtered_websocket.transport.certificate import Certificate

_log = Logger()


def check(options: Options) -> None:
    """
    :raises ConfigError: SERVER_SSL says one thing, and the key another; or the second port cannot be
    """
    secure = bool(getattr(options, "key", "") and getattr(options, "cert", ""))
    if options.pushi_server_ssl is not None and options.pushi_server_ssl != secure:
        want = "give SERVER_SSL_KEY and SERVER_SSL_CER" if options.pushi_server_ssl else "leave key and certificate out"
        raise ConfigError(f"SERVER_SSL (pushi_server_ssl) is {int(options.pushi_server_ssl)}: {want}, or leave it out")
    if options.pushi_rest_port is None:
        return
    if getattr(options, "workers", 1) not in (None, 1):
        raise ConfigError("pushi_rest_port wants workers to be 1; HTTP is answered on the server's own port as well")
    _certificate(options)


def listen(pipeline: Pipeline) -> Any:
    """Open the port, if there is to be one; what is returned has ``stopListening``.

    :raises ConfigError: it cannot be had
    """
    options, server = pipeline.options, pipeline.server
    if options.pushi_rest_port is None:
        return None
    check(options)
    certificate = _certificate(options)
    site = server.site if certificate is None else certificate.wrap(server.site, server.certificates)
    host, port = options.pushi_rest_host, options.pushi_rest_port
    try:
        opened = listening.listen(
            site, host, port, options.backlog, server.reactor, count=server.counters.count, for_everybody=True
        )
    except ConfigError as error:
        raise ConfigError(f"pushi_rest_port: {error}") from None
    addresses = [each.replace("ws", "http", 1) for each in addresses_of(opened.socket, bool(certificate))]
    _log.info("Pushi's HTTP on {address}", address=" and ".join(addresses))
    return opened


def _certificate(options: Options) -> Certificate | None:
    """The certificate of the second port; None: it speaks no TLS."""
    secure = bool(options.pushi_rest_key) if options.pushi_rest_ssl is None else options.pushi_rest_ssl
    if not secure:
        return None
    try:
        # In the original one file may hold both.
        return Certificate(options.pushi_rest_key, options.pushi_rest_cert or options.pushi_rest_key)
    except ConfigError as error:
        raise ConfigError(f"pushi_rest_key and pushi_rest_cert: no key and certificate that fit: {error}") from None
