"""The server: what listens. Paths to pipelines, the storage object's consumer, start and stop."""

import queue
from collections.abc import Callable, Mapping
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import deferLater
from twisted.logger import Logger

from filtered_websocket.chain.deferreds import start as start_coroutine
from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import seconds
from filtered_websocket.connection.autobahn import lean
from filtered_websocket.connection.connection import Connection
from filtered_websocket.connection.throttled import ThrottledConnection
from filtered_websocket.limits import origins
from filtered_websocket.limits.addresses import forwarded, host_name, is_loopback, without_port
from filtered_websocket.limits.admission import Admission
from filtered_websocket.limits.fair_share import Rests
from filtered_websocket.limits.heartbeat import Heartbeat, Seconds
from filtered_websocket.messages.publication import Publication
from filtered_websocket.monitoring.counters import Counters
from filtered_websocket.monitoring.stopwatch import Stopwatch
from filtered_websocket.monitoring.watchdog import Watchdog
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.storage_objects.base import BaseStorageObject
from filtered_websocket.transport.reactor import at_turn_end
from filtered_websocket.web.base import EndpointMeta
from filtered_websocket.web.dashboard import endpoints
from filtered_websocket.web.head import is_forwarded, path_of_line
from filtered_websocket.web.health import Live, Ready
from filtered_websocket.web.idempotency import Idempotency
from filtered_websocket.web.metrics import Metrics
from filtered_websocket.web.publish import Publish
from filtered_websocket.web.request import HTTPRequest, Request
from filtered_websocket.web.site import Site

_log = Logger()

STOP_SECONDS = Option(
    "stop_seconds",
    seconds(0, 3600),
    5,
    "most time to send what is owed when the server stops: web hooks, leaves, events that were accepted; what is then "
    "left goes to other nodes or the next start where storage lasts",
    unit="s",
)

FAREWELL_SECONDS = 1.5
"""How long clients have to answer our close frames when the server stops."""
ABORT_SECONDS = 0.3
"""How long the disconnect chains of those have at least who did not."""
LAST_SECONDS = 2.0
"""How long packs have beyond the time to send what is owed: to leave the rest to others."""
SLICE_SECONDS = 0.02
"""While clients are closed over a time, some are closed each so often."""

OWN: tuple[EndpointMeta, ...] = (Live, Ready, Metrics, Publish, *endpoints.ENDPOINTS)
"""The server's own endpoints: on the public port, or with ``admin_port`` on that."""


class BusQueue(queue.Queue):
    """`queue`: what any thread puts into it reaches the consumer chains, in the reactor's thread."""

    def __init__(self, server: "Server") -> None:
        super().__init__()
        self._server = server

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(item, block, timeout)
        self._server.reactor.callFromThread(self._drain)

    def _drain(self) -> None:
        while True:
            try:
                item = self.get_nowait()
            except queue.Empty:
                return
            self._server.consume_bus(item)


class Server(WebSocketServerFactory):
    """Autobahn's factory, with pipelines.

    :param options: the resolved options
    :param storage_object: started and stopped by this server
    """

    noisy = False

    def __init__(self, options: Any, storage_object: BaseStorageObject, reactor: Any) -> None:
        super().__init__(reactor=reactor, server="")
        self.options = options
        self.storage_object = storage_object
        self.counters = Counters(reactor)
        self.heartbeat = Heartbeat(reactor, options.ping_interval, options.ping_timeout)
        self.at_turn_end = at_turn_end(reactor)
        self.queue = BusQueue(self)
        self.token = None
        self.connections: set[Connection] = set()
        self.blocked: set[Connection] = set()
        self.accepted = 0
        #: until when Autobahn's parser may go on with the connection it parses, by `time.perf_counter`
        self.turn_ends = 0.0
        self.rests = Rests(reactor)
        self.admission = Admission(self)
        self.started = self.draining = self.stopping = False
        self.is_secure = bool(options.key and options.cert)
        #: set by who runs a server in a process of its own
        self.watchdog: Watchdog | None = None
        self.stopwatch: Stopwatch | None = None
        self.dashboard = endpoints.Dashboard(self)
        self.idempotency = Idempotency(reactor.seconds)
        self.admin_site = None if options.admin_port is None else Site(self, OWN, public=False)
        self.site = Site(self, OWN) if self.admin_site is None else Site(self, (), elsewhere=OWN)
        self.site.when_empty = self._check_emptied
        self._ending: set[Deferred[Any]] = set()
        self._emptied: Deferred[None] | None = None
        self._owed: set[Deferred[Any]] = set()
        self._paid: Deferred[None] | None = None
        self._stop_ends: float | None = None
        #: the storage object ends with this server, although other processes share it
        self.storage_ends = False
        self._ages = Seconds(reactor, self._check_ages)
        self.pipelines = [Pipeline(config, self) for config in options.pipelines]
        self._arrange()

    def _arrange(self) -> None:
        """Derive from the pipelines and options what is asked for often."""
        self._named = [pipeline for pipeline in self.pipelines if pipeline.prefix]
        self._unnamed = next((pipeline for pipeline in self.pipelines if not pipeline.prefix), None)
        self.foreign = tuple(pipeline.prefix for pipeline in self._named)
        #: takes what the storage object delivers; without named pipelines, no call lies between
        self.consume: Callable[[Publication], object] = self._consume
        if self._unnamed is not None and not self._named:
            self.consume = self._unnamed.consume
        self.has_data_filters = any(pipeline.chains["data"] for pipeline in self.pipelines)
        everywhere = len(self.pipelines) == 1 and "*" in self.pipelines[0].patterns
        #: with one pipeline its data filters see a connection's first bytes at once
        self.only_pipeline = self.pipelines[0] if everywhere else None
        self._set_options()
        self.admission.configure(self.options)
        throttled = any(each.options.message_rate or each.options.byte_rate for each in self.pipelines)
        self.protocol = lean(ThrottledConnection if throttled else Connection, self)

    def _set_options(self) -> None:
        options = self.options
        self.setProtocolOptions(
            webStatus=False,
            # RFC 6455's own. A draft's 8, which Autobahn takes too, has the origin in another header, past our check.
            versions=[13],
            failByDrop=False,
            # A browser tells its page the code of our close frame, also where that answers the page's own.
            echoCloseCodeReason=True,
            maxMessagePayloadSize=options.max_message_size,
            # Autobahn's timers end when a second begins: up to one too early.
            openHandshakeTimeout=options.handshake_timeout + 1,
            closeHandshakeTimeout=options.close_timeout + 1,
            # Origins are decided in the handshake, where the refusal is 403 and the option has a name.
            allowedOrigins=["*"],
            allowNullOrigin=True,
        )

    # Paths and peers.

    def pipeline_for(self, path: str) -> Pipeline | None:
        """The pipeline whose pattern fits best, None if none fits."""
        if self.only_pipeline is not None:
            return self.only_pipeline
        fitting = [(fit, pipeline) for pipeline in self.pipelines if (fit := pipeline.fit(path))]
        return max(fitting, key=lambda each: each[0])[1] if fitting else None

    def pipeline_of_line(self, data: bytes) -> Pipeline | None:
        """The pipeline that a connection's first bytes ask for: that of all other paths where they are no HTTP."""
        path = path_of_line(data)
        return self._unnamed if path is None else self.pipeline_for(path)

    def client_of(self, transport: Any, headers: Mapping[str, str]) -> str:
        """The client's address: what the trusted proxies say, else the socket's peer."""
        trusted = self.options.trusted_proxies
        if trusted and (entry := forwarded(headers.get("x-forwarded-for", ""), trusted)):
            return without_port(entry)
        peer = transport.getPeer()
        address = getattr(peer, "host", None) or getattr(peer, "name", None) or "unix"
        return address.decode("utf-8", "replace") if isinstance(address, bytes) else str(address)

    def is_secure_for(self, headers: Mapping[str, str], itself: bool) -> bool:
        """Whether the client speaks TLS, to us or to the outermost trusted proxy.

        :param itself: whether it speaks TLS to us
        """
        trusted, said = self.options.trusted_proxies, headers.get("x-forwarded-proto", "")
        if not (trusted and said):
            return itself
        return forwarded(said, min(trusted, said.count(",") + 1)).lower() == "https"

    def origin_allowed(self, request: Request | HTTPRequest, patterns: list[str]) -> bool:
        """Whether the page that a request comes from may connect.

        :param patterns: as the option allowed_origins has them
        """
        if request.origin is None:
            return True
        headers, host = request.headers, request.host
        trusted, said = self.options.trusted_proxies, headers.get("x-forwarded-host", "")
        if trusted and said:
            host = forwarded(said, min(trusted, said.count(",") + 1)) or host
        return origins.allowed(
            request.origin, host, patterns, self.is_secure_for(headers, self.is_secure), self.may_be_rebound(request)
        )

    def may_be_rebound(self, request: Request | HTTPRequest) -> bool:
        """Whether Host may be a web page's own name that its name server has turned to this machine (DNS rebinding)."""
        return not (
            self.options.trusted_proxies
            or is_loopback(host_name(request.host))
            or not is_loopback(request.peer)
            or is_forwarded(request.headers)
        )

    # Connections.

    def buildProtocol(self, addr: Any) -> Any:
        connection = self.admission.admit(super().buildProtocol(addr), addr)
        if self.started or connection is None or connection.unwelcome is not None:
            return connection
        # Neither filters nor storage can serve anybody yet: a handshake waits, and health is answered.
        if not self.site.full:
            return connection.put_off(self.site)
        self.admission.leave(connection)
        self.counters.count("refused", "max_http_connections", getattr(addr, "host", ""))
        return None

    @property
    def sites(self) -> tuple[Site, ...]:
        return (self.site,) if self.admin_site is None else (self.site, self.admin_site)

    @property
    def unready(self) -> str:
        """Why no clients should come now; empty if they should."""
        if not self.started:
            return "starting"
        if self.draining or self.stopping:
            return "draining"
        return "" if self.storage_object.ready else "the storage object is away"

    def connection_opened(self, connection: Connection) -> None:
        self.accepted += 1
        connection.pipeline.opened += 1
        self.connections.add(connection)
        self.heartbeat.add(connection)
        if self.stopping:
            connection.say_farewell()

    def connection_closed(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self.heartbeat.remove(connection)
        self._check_emptied()

    def ending(self, chain: Deferred[Any]) -> None:
        """A disconnect chain runs, or a stop chain after a reload; the server's own end waits for it."""
        self._ending.add(chain)
        chain.addBoth(self._has_ended, chain)

    def _has_ended(self, _: Any, chain: Deferred[Any]) -> None:
        self._ending.discard(chain)
        self._check_emptied()

    def owe(self, step: Deferred[Any]) -> None:
        """Something that others are told of in the end, such as a leave: the server's own end waits for it, as long as
        ``stop_seconds`` allow."""
        self._owed.add(step)
        step.addBoth(self._has_paid, step)

    def _has_paid(self, _: Any, step: Deferred[Any]) -> None:
        self._owed.discard(step)
        if not self._owed and self._paid is not None:
            paid, self._paid = self._paid, None
            paid.callback(None)

    def _check_emptied(self) -> None:
        if self._emptied is not None and not self.connections and not self._ending and not self.site.channels:
            emptied, self._emptied = self._emptied, None
            emptied.callback(None)

    def _check_ages(self) -> None:
        now = self.reactor.seconds()
        for connection in list(self.blocked):
            connection.check_age(now)

    # What the storage object tells.

    def _owner(self, channel: str) -> tuple[Pipeline | None, str]:
        """The pipeline of a channel's name in storage, and the name it has there."""
        for pipeline in self._named:
            if channel.startswith(pipeline.prefix):
                return pipeline, channel[len(pipeline.prefix) :]
        return self._unnamed, channel

    def _consume(self, publication: Publication) -> None:
        if not publication.channel.startswith(self.foreign):
            if self._unnamed is not None:
                self._unnamed.consume(publication)
            return
        pipeline, name = self._owner(publication.channel)
        assert pipeline is not None
        # A new one: the storage object may keep this one as history.
        pipeline.consume(
            Publication(name, publication.messages, publication.exclude, publication.position, publication.besides)
        )

    def consume_bus(self, item: Any) -> None:
        for pipeline in self.pipelines:
            pipeline.consume(item)

    def member_left(self, channel: str, member: str, info: str) -> None:
        pipeline, name = self._owner(channel)
        for tell in pipeline.member_left if pipeline is not None else ():
            tell(name, member, info)

    def member_returned(self, channel: str, member: str, info: str) -> None:
        pipeline, name = self._owner(channel)
        for tell in pipeline.member_returned if pipeline is not None else ():
            tell(name, member, info)

    def vacated(self, channel: str) -> None:
        pipeline, name = self._owner(channel)
        for tell in pipeline.vacated if pipeline is not None else ():
            tell(name)

    def gap(self, channel: str) -> None:
        self.counters.count("dropped", "lost while the storage object was away", channel)

    def history_dropped(self, limit: str, count: int, channel: str) -> None:
        self.counters.count("dropped", f"kept publications over {limit}", channel, count)

    def ready_changed(self, ready: bool) -> None:
        (_log.info if ready else _log.error)("the storage object is {state}", state="ready" if ready else "away")

    # Beginning, reloading and end.

    def take(self, options: Any, pipelines: list[Pipeline]) -> None:
        """Put a newer configuration into force.

        :param pipelines: what it names: living ones, which hold what is new already, and new ones
        """
        self.options = options
        for pipeline in self.pipelines:
            if pipeline not in pipelines:
                # It is not in the configuration any more: it serves the connections it has, and gets no new ones.
                pipeline.patterns = ()
        self.pipelines += [pipeline for pipeline in pipelines if pipeline not in self.pipelines]
        self._arrange()

    def start(self) -> Deferred[Any]:
        """Start the storage object and the pipelines. Fails with ConfigError."""
        return start_coroutine(self._start())

    async def _start(self) -> None:
        await self.storage_object.start(self)
        self.heartbeat.start()
        self._ages.start()
        for pipeline in self.pipelines:
            await pipeline.start()
        self.started = True
        for channel in list(self.site.channels):
            channel.server_started()

    def stop(self) -> Deferred[Any]:
        """Close every client, then the pipelines, then the storage object.

        Ends within 2 seconds where nothing is owed, and else within ``stop_seconds`` and 2; that much after
        ``drain_seconds``, and with what stop filters need.
        """
        return start_coroutine(self._stop())

    async def _stop(self) -> None:
        self.stopping = True
        self.site.shut()
        await self._close_clients(self.options.drain_seconds)
        self._stop_ends = self.reactor.seconds() + self.options.stop_seconds
        await self._until_empty(FAREWELL_SECONDS)
        for connection in list(self.connections):
            connection.abortConnection()
        self.site.abort(at_work=False)
        # Their disconnect chains are yet to run.
        await self._until_empty(ABORT_SECONDS)
        if self._owed:
            self._paid = Deferred()
            await self._paid.addTimeout(self.seconds_to_stop, self.reactor).addErrback(lambda _: None)
        self.site.abort()
        for _ in {*self._ending, *self._owed}:
            self.counters.count("dropped", "filters took longer than the stop")
        settled = [start_coroutine(settle()) for pipeline in self.pipelines for settle in pipeline.settling]
        if settled:
            settling = DeferredList(settled, consumeErrors=True)
            await settling.addTimeout(self.seconds_to_stop + LAST_SECONDS, self.reactor, lambda *_: None)
        await DeferredList([pipeline.stop() for pipeline in self.pipelines], consumeErrors=True)
        self.heartbeat.stop()
        self._ages.stop()
        self.dashboard.stop()
        await self.storage_object.stop()
        self.counters.stop()

    @property
    def seconds_to_stop(self) -> float:
        """How long what is owed may be sent: less and less once the clients are closed."""
        if self._stop_ends is None:
            return float(self.options.stop_seconds)
        return max(0.0, self._stop_ends - self.reactor.seconds())

    async def _until_empty(self, seconds: float) -> None:
        self._emptied = Deferred()
        emptied = self._emptied.addTimeout(seconds, self.reactor).addErrback(lambda _: None)
        self._check_emptied()
        await emptied

    async def _close_clients(self, seconds: float) -> None:
        """Close all clients, a few at a time where there is time: those who come back then do not come all at once."""
        clients = list(self.connections)
        slices = max(1, min(round(seconds / SLICE_SECONDS), len(clients)))
        begin = self.reactor.seconds()
        for number in range(slices):
            for connection in clients[number::slices]:
                connection.say_farewell()
            wait = begin + (number + 1) * seconds / slices - self.reactor.seconds()
            if wait > 0 and self.connections:
                await deferLater(self.reactor, wait)
