"""The server as a process runs it: start, listen, say so; on a signal stop listening, drain, end."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from filtered_websocket import banner
from filtered_websocket.filters.base import start
from filtered_websocket.listening import address_of, listen
from filtered_websocket.server import Server
from filtered_websocket.tls import Certificate

_log = Logger()


class Service:
    """One server in one process."""

    def __init__(self, server: Server, reactor: Any) -> None:
        self._server = server
        self._reactor = reactor
        self._port: Any = None

    async def begin(self) -> None:
        """Start everything and listen.

        :raises ConfigError: a start filter failed, the address cannot be had, a storage that can never work
        """
        server, options = self._server, self._server.options
        self._reactor.addSystemEventTrigger("before", "shutdown", self.end)
        await server.start()
        factory: Any = server
        if server.is_secure:
            factory = Certificate(options.key, options.cert).wrap(server)
        self._port = listen(factory, options.host, options.port, options.backlog, self._reactor)
        for line in banner.lines(server, options.storage, type(self._reactor).__name__):
            _log.info("{line}", line=line)
        for line in banner.unsafe(server):
            _log.warn("{line}", line=line)
        _log.info("listening on {address}", address=address_of(self._port, server.is_secure))

    def end(self) -> Deferred[Any]:
        """Stop listening and drain; the reactor stops when this fires."""
        return start(self._end())

    async def _end(self) -> None:
        if self._port is not None:
            await self._port.stopListening()
        await self._server.stop()
        _log.info("stopped")
