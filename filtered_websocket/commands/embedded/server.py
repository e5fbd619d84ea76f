"""One server inside a program: what it is given, begun and ended, for Twisted and for asyncio."""

import asyncio
from typing import TYPE_CHECKING, Any

from twisted.application import service
from twisted.internet.defer import Deferred, DeferredLock, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import start
from filtered_websocket.commands.embedded.reactor import expect_reactor
from filtered_websocket.commands.fws_server.assembly import REACTOR, RELOAD, RELOAD_KEEP, WORKERS, Assembly
from filtered_websocket.config.configuration import raise_all
from filtered_websocket.errors import ConfigError
from filtered_websocket.monitoring import logs
from filtered_websocket.pipeline.pipeline import Pipeline

if TYPE_CHECKING:
    from filtered_websocket.commands.fws_server.service import Service

_log = Logger()

NAME = "EmbeddedServer"
THE_PROGRAMS = frozenset(each.name for each in (REACTOR, RELOAD, RELOAD_KEEP, WORKERS, *logs.OPTIONS))
"""Options that say what is the program's affair here."""


class EmbeddedServer(service.Service):
    """One server. To start it twice, or to stop it twice, is to do so once; a stopped one may be started again.

    :param options: values of options, as in the JSON file: ``filters=["chat"], port=9000``
    """

    def __init__(self, **options: Any) -> None:
        self._given = options
        self._service: Service | None = None
        self._lock = DeferredLock()
        self._starting: Deferred[None] | None = None

    def start(self) -> Deferred[None]:
        """Serve: fires when clients are let in.

        :returns: fails with ConfigError, all faults in it: an option is wrong, a module is none, the port is in use, a
            start filter has failed. Nothing is left of the start then, and another may be tried
        """
        try:
            expect_reactor()
        except ConfigError:
            return fail()
        self._starting = start(self._start())
        return self._starting

    def stop(self) -> Deferred[None]:
        """Stop as `fws_server` does, clients first, within the same limits. A start that waits is given up."""
        if self._starting is not None:
            self._starting.cancel()
        return start(self._stop())

    @property
    def address(self) -> str:
        """The URL that clients would use.

        :raises RuntimeError: it does not serve
        """
        return self._serving().address

    def pipeline(self, path: str = "/") -> Pipeline:
        """The pipeline that serves a path, which publishes: ``server.pipeline().publish("news", "it rains")``.

        :raises RuntimeError: it does not serve
        :raises LookupError: no pipeline serves the path
        """
        found = self._serving().server.pipeline_for(path)
        if found is None:
            raise LookupError(f"no pipeline serves {path}")
        return found

    def _serving(self) -> "Service":
        if self._service is None:
            raise RuntimeError("the server is not started")
        return self._service

    async def _start(self) -> None:
        # As `fws_server` does: what these import may settle which reactor there is.
        from twisted.internet import reactor

        from filtered_websocket.commands.fws_server.service import Service

        async with self._lock:
            if self._service is not None:
                return
            raise_all(
                [
                    ConfigError(f"{NAME}: {name} is the program's own affair")
                    for name in THE_PROGRAMS & self._given.keys()
                ]
            )
            assembly = Assembly((), {}, NAME, self._given)
            assembly.load()
            options = assembly.options()
            for warning in assembly.odd:
                _log.warn("{warning}", warning=warning)
            began = Service((), assembly, options, reactor)
            try:
                await began.begin()
            except BaseException as error:
                await began.end()
                if isinstance(error, ConfigError) or not isinstance(error, Exception):
                    raise
                raise ConfigError(f"cannot start: {type(error).__name__}: {error}") from error
            self._service = began

    async def _stop(self) -> None:
        async with self._lock:
            began, self._service = self._service, None
            if began is not None:
                await began.end()

    # A service of a Twisted application.

    def startService(self) -> None:
        """Start it; a start that fails is logged, and the program goes on."""
        super().startService()
        self.start().addErrback(self._not_started)

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return self.stop()

    def _not_started(self, failure: Failure) -> None:
        if isinstance(failure.value, ConfigError):
            for fault in failure.value.faults:
                _log.error("not started: {fault}", fault=str(fault))
        elif self.running:
            _log.failure("not started", failure)

    # A part of an asyncio program.

    async def __aenter__(self) -> "EmbeddedServer":
        await self.start().asFuture(asyncio.get_running_loop())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop().asFuture(asyncio.get_running_loop())
