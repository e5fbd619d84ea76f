"""The server as a process runs it: start, listen, say so; reload on a signal; on another stop listening, drain, end."""

import os
import signal
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.events import WebSocketStopFilter
from filtered_websocket.commands.fws_server import banner, parent, stopping
from filtered_websocket.commands.fws_server.assembly import Assembly
from filtered_websocket.commands.fws_server.parent import WORKER
from filtered_websocket.commands.fws_server.reload import files, reload
from filtered_websocket.commands.fws_server.watched_files import Changes
from filtered_websocket.config.option import Options
from filtered_websocket.errors import ConfigError
from filtered_websocket.monitoring.stopwatch import Stopwatch
from filtered_websocket.monitoring.watchdog import Watchdog
from filtered_websocket.pipeline.modules import filters_of
from filtered_websocket.server.server import Server
from filtered_websocket.transport.accepting import Factory
from filtered_websocket.transport.addresses import address_of, addresses_of
from filtered_websocket.transport.certificate import Certificate
from filtered_websocket.transport.listening import listen

_log = Logger()

CANCEL_SECONDS = 0.5
"""How long the start filters of a reload have to give up when the server stops."""

STOP_SECONDS = 2.0
"""How long a stop takes at most, draining, stop filters and what is owed not counted."""
FORCE_SECONDS = 0.5
"""A process that is not through by then ends by force after this."""


def stop_limit(options: Options) -> float:
    """Seconds within which a process with these options ends when it is told to.

    A supervisor has to allow as much.
    """
    stops = [
        each.options.filter_timeout
        for each in options.pipelines
        if any(filters_of(name, WebSocketStopFilter) for name in each.filters)
    ]
    # Only packs owe anything, which have stop filters.
    owed = options.stop_seconds + max(stops) if stops else 0
    return float(options.drain_delay + options.drain_seconds + STOP_SECONDS + owed)


class Service:
    """One server in one process.

    :ivar signals: what signals do, beside stopping
    :ivar failure: why it stopped of itself: None, it does not
    """

    def __init__(self, argv: Sequence[str], assembly: Assembly, options: Options, reactor: Any) -> None:
        self._argv = argv
        self._assembly = assembly
        self._options = options
        self._reactor = reactor
        self.failure: ConfigError | None = None
        self._port: Any = None
        self._admin_port: Any = None
        self._changes: Changes | None = None
        self._begun = self._reload_wanted = False
        self._reloading: Deferred[Any] | None = None
        self.server = Server(options, assembly.storage_object(options), reactor)
        self.signals: dict[int, Callable[[], object]] = {signal.SIGHUP: self.reload, signal.SIGUSR2: _without_workers}

    async def begin(self) -> None:
        """Listen and start everything. While it starts, which may take until a Redis is there, only health is answered;
        handshakes wait.

        :raises ConfigError: a start filter failed, the address cannot be had, a storage that can never work
        """
        server, options = self.server, self._options
        if WORKER in os.environ:
            self._reactor.addReader(parent.Parent(self._reactor, self.server))
        # Not where the socket is open already: a worker shares it with those that serve, whose clients it could only
        # refuse, and clients of an inherited one are better kept waiting.
        early = WORKER not in os.environ and not options.host.startswith("fd:")
        if early:
            self._listen()
        await server.start()
        server.watchdog = Watchdog(self._reactor, server.counters, options.filter_time_warn)
        server.stopwatch = Stopwatch(server, self._reactor)
        server.watchdog.start()
        server.stopwatch.start()
        server.dashboard.worker = os.environ.get(WORKER)
        server.dashboard.start()
        if options.reload:
            self._changes = Changes(lambda: files(server), self.reload, self._reactor)
            self._changes.start()
        self._begun = True
        if self._reload_wanted:
            self.reload()
        if not early:
            self._listen()
        if os.environ.get(WORKER, "0") == "0":
            for line in banner.lines(server, options.storage, type(self._reactor).__name__):
                _log.info("{line}", line=line)
            for line in banner.unsafe(server):
                _log.warn("{line}", line=line)
        if WORKER in os.environ:
            _log.info("worker {number} is ready", number=os.environ[WORKER])
            parent.tell("ready")
            return
        address = self.address
        if server.admin_site is None and "+unix:" not in address:
            _log.info("{line}", line=banner.dashboard(server, address))
        _log.info("listening on {where}", where=" and ".join(addresses_of(self._port.socket, server.is_secure)))

    @property
    def address(self) -> str:
        """The URL that clients would use, once it listens."""
        return address_of(self._port, self.server.is_secure)

    def _listen(self) -> None:
        server, options = self.server, self._options
        self._listen_for_admin()
        factory: Factory = server
        if server.is_secure:
            factory = Certificate(options.key, options.cert).wrap(server, server.certificates)
        self._port = listen(
            factory,
            options.host,
            options.port,
            options.backlog,
            self._reactor,
            count=server.counters.count,
            for_everybody=True,
        )
        if WORKER in os.environ:
            # The port has a descriptor of its own. With this one open it would go on taking connections, which nobody
            # accepts, while the worker drains.
            os.close(int(options.host.removeprefix("fd:")))

    def _listen_for_admin(self) -> None:
        server, options = self.server, self._options
        if server.admin_site is None:
            return
        # A worker's replacement opens the same port before it ends.
        shared = WORKER in os.environ
        port, backlog = options.admin_port, options.backlog
        self._admin_port = listen(
            server.admin_site,
            options.admin_host,
            port,
            backlog,
            self._reactor,
            shared=shared,
            count=server.counters.count,
        )
        address = address_of(self._admin_port, False).replace("ws", "http", 1)
        _log.info("health, metrics and publish on {address}", address=address)
        _log.info("{line}", line=banner.dashboard(server, address))

    def reload(self) -> None:
        """Take filters and configuration anew; if anything is wrong with them, keep what is.

        One reload at a time. Asked meanwhile, or before all has begun, another follows: files may have changed since
        they were read.
        """
        self._reload_wanted = True
        if self._reloading is None and self._begun:
            reloading = start(self._reload())
            self._reloading = None if reloading.called else reloading

    async def _reload(self) -> None:
        taken = False
        while self._reload_wanted and not self.server.draining:
            self._reload_wanted = False
            try:
                taken = await reload(self.server, self._argv)
            except BaseException:
                _log.failure("reload")
        if self.server.draining:
            _log.info("not reloaded: the server is stopping")
        self._reloading = None
        parent.tell("reloaded" if taken else "refused")

    def stop_limit(self) -> float:
        """Seconds after a signal to stop at which the process ends by force."""
        return stop_limit(self.server.options) + FORCE_SECONDS

    def end(self) -> Deferred[Any]:
        """Stop listening and drain; the reactor stops when this fires."""
        began = self._reactor.seconds()
        stopping.deadline.within(self.stop_limit(), 1)

        def ended(result: Any) -> Any:
            # Threads of filters, and hooks of theirs, have what is left of the time.
            drained = self._options.drain_delay + self._options.drain_seconds
            left = began + drained + stopping.EXIT_SECONDS - self._reactor.seconds()
            stopping.deadline.within(max(left, 0.2), 0 if self.server.started else 1)
            return result

        return start(self._end()).addBoth(ended)

    async def _end(self) -> None:
        server = self.server
        server.draining = True
        if self._changes is not None:
            self._changes.stop()
        if self._reloading is not None:
            # A start filter may not let itself be cancelled.
            given_up: Deferred[Any] = Deferred()
            self._reloading.chainDeferred(given_up)
            self._reloading.cancel()
            await given_up.addTimeout(CANCEL_SECONDS, self._reactor).addErrback(lambda _: None)
        if self._port is not None:
            if self._options.drain_delay and server.started:
                _log.info("draining in {seconds:g} s (drain_delay)", seconds=self._options.drain_delay)
                await deferLater(self._reactor, self._options.drain_delay)
            await self._port.stopListening()
        await server.stop()
        if server.admin_site is not None and self._admin_port is not None:
            await self._admin_port.stopListening()
            server.admin_site.abort()
        if server.watchdog is not None and server.stopwatch is not None:
            server.watchdog.stop()
            server.stopwatch.stop()
        if server.started:
            # What could not begin says why, in one line.
            _log.info("stopped")


def _without_workers() -> None:
    _log.warn("nothing is done: SIGUSR2 is for the parent of --workers, which replaces them")
