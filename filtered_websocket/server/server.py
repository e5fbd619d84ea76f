"""The server: what listens, and what its pipelines share.

Its parts are siblings, one to a file: none derives from another. Each declares what it has from the others.
"""

from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet.defer import Deferred

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Options
from filtered_websocket.connection.autobahn import lean
from filtered_websocket.connection.connection import Connection
from filtered_websocket.limits.admission import Admission
from filtered_websocket.limits.deadlines import Deadlines
from filtered_websocket.limits.fair_share import FairShare
from filtered_websocket.limits.heartbeat import Heartbeat
from filtered_websocket.limits.ticker import Ticker
from filtered_websocket.monitoring.counters import Counters
from filtered_websocket.monitoring.stopwatch import Stopwatch
from filtered_websocket.monitoring.watchdog import Watchdog
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.server.channel_inspection import ChannelInspection
from filtered_websocket.server.cluster import Cluster
from filtered_websocket.server.delivery import BusQueue, Delivery
from filtered_websocket.server.inspection import Inspection
from filtered_websocket.server.observation import Observation
from filtered_websocket.server.peers import Peers
from filtered_websocket.server.routing import Routing
from filtered_websocket.server.stopping import Stopping
from filtered_websocket.server.tracing import Tracing
from filtered_websocket.storage_objects.base import BaseStorageObject
from filtered_websocket.transport.certificate import Certificate
from filtered_websocket.transport.reactor import at_turn_end
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.dashboard import endpoints
from filtered_websocket.web.health import Live, Ready
from filtered_websocket.web.idempotency import Idempotency
from filtered_websocket.web.metrics import Metrics
from filtered_websocket.web.publish import Publish
from filtered_websocket.web.site import Site
from filtered_websocket.web.steering import connections
from filtered_websocket.web.steering.channels import Channel, Channels
from filtered_websocket.web.steering.openapi import OpenAPI
from filtered_websocket.web.steering.trace import Trace

OWN: tuple[type[Endpoint], ...] = (
    Live, Ready, Metrics, Publish, connections.Connections, connections.Connection, Channels, Channel, Trace,
    OpenAPI,
    *endpoints.ENDPOINTS,
)  # fmt: skip
"""The server's own endpoints: on the public port, or with ``admin_port`` on that."""


class Server(Routing, Peers, Delivery, Stopping, WebSocketServerFactory):
    """Autobahn's factory, with pipelines.

    :param options: the resolved options
    :param storage_object: started and stopped by this server
    """

    noisy = False

    def __init__(self, options: Options, storage_object: BaseStorageObject, reactor: Any) -> None:
        WebSocketServerFactory.__init__(self, reactor=reactor, server="")
        Stopping.__init__(self)
        # Autobahn asks for them by its own name.
        self.deadlines = self._batched_timer = Deadlines(reactor)
        self.options = options
        self.storage_object = storage_object
        self.counters = Counters(reactor)
        self.heartbeat = Heartbeat(reactor, options.ping_interval, options.ping_timeout)
        self.at_turn_end = at_turn_end(reactor)
        self.queue = BusQueue(reactor, self.consume_bus)
        self.token = None
        self.connections: set[Connection] = set()
        self.blocked: set[Connection] = set()
        self.accepted = 0
        #: until when Autobahn's parser may go on with the connection it parses, by `time.perf_counter`
        self.turn_ends = 0.0
        self.fair_share = FairShare(reactor)
        self.admission = Admission(self)
        self.started = self.draining = False
        self.is_secure = bool(options.key and options.cert)
        #: those that ports of this process show, to be read again in a reload
        self.certificates: list[Certificate] = []
        #: set where the server has a process of its own
        self.watchdog: Watchdog | None = None
        self.stopwatch: Stopwatch | None = None
        self.cluster = Cluster(storage_object, reactor, self.counters)
        self.observation = Observation(reactor)
        self.inspection = Inspection(self, self.observation, self.cluster.name)
        self.tracing = Tracing(self, self.cluster, self.inspection, self.observation)
        self.channel_inspection = ChannelInspection(self)
        self.cluster.answers |= self.inspection.answers
        self.cluster.answers |= self.channel_inspection.answers
        self.cluster.answers |= {"trace": self.tracing.begin, "untrace": self.tracing.untrace}
        self.cluster.tells["traced"] = self.tracing.heard
        self.dashboard = endpoints.Dashboard(self)
        self.idempotency = Idempotency(reactor.seconds)
        self.admin_site = None if options.admin_port is None else Site(self, OWN, public=False)
        self.site = Site(self, OWN) if self.admin_site is None else Site(self, (), elsewhere=OWN)
        self.site.when_empty = self.check_emptied
        #: the storage object ends with this server, although other processes share it
        self.storage_ends = False
        self.ages = Ticker(reactor, self._check_ages)
        self.pipelines = [Pipeline(config, self) for config in options.pipelines]
        self.arrange()

    def arrange(self) -> None:
        """Derive from the pipelines and options what is asked for often."""
        self.route()
        self.address()
        self._set_options()
        self.admission.configure(self.options)
        self.protocol = lean(Connection, self)
        self.tracing.arrange()

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
            openHandshakeTimeout=options.handshake_timeout,
            closeHandshakeTimeout=options.close_timeout,
            # Origins are decided in the handshake, where the refusal is 403 and the option has a name.
            allowedOrigins=["*"],
            allowNullOrigin=True,
        )

    # Connections.

    def buildProtocol(self, addr: Any) -> Any:
        connection = self.admission.admit(super().buildProtocol(addr), addr)
        if self.started or connection is None or not connection.is_welcome():
            if connection is not None and self.tracing.runs:
                self.tracing.arriving(connection)
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
        if connection.pinged:
            self.heartbeat.add(connection)
        if self.tracing.runs:
            self.tracing.opened(connection)
        if self.stopping:
            connection.say_farewell()

    def session_arrives(self, session: Any) -> None:
        """A session begins that no connection of its own stands for."""
        if self.tracing.runs:
            self.tracing.arriving(session)

    def session_opened(self, session: Any) -> None:
        """It is let in."""
        if self.tracing.runs:
            self.tracing.opened(session)

    def user_named(self, connection: Any) -> None:
        """An open connection, or session, says whose it is."""
        for told in tuple(connection.pipeline.user_named):
            told(connection)
        if self.tracing.runs:
            self.tracing.opened(connection)

    def connection_closed(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self.heartbeat.remove(connection)
        self.check_emptied()

    def _check_ages(self) -> None:
        now = self.reactor.seconds()
        for connection in list(self.blocked):
            connection.check_age(now)

    # Beginning, reloading and end.

    def reconfigure(self, options: Options, pipelines: list[Pipeline]) -> None:
        """Put a newer configuration into force.

        :param pipelines: what it names: living ones, which hold what is new already, and new ones
        """
        self.options = options
        for pipeline in self.pipelines:
            if pipeline not in pipelines:
                # It is not in the configuration any more: it serves the connections it has, and gets no new ones.
                pipeline.patterns = ()
        self.pipelines += [pipeline for pipeline in pipelines if pipeline not in self.pipelines]
        self.arrange()

    def start(self) -> Deferred[Any]:
        """Start the storage object and the pipelines. Fails with ConfigError."""
        return start(self._start())

    async def _start(self) -> None:
        await self.storage_object.start(self)
        self.cluster.start()
        self.heartbeat.start()
        self.ages.start()
        for pipeline in self.pipelines:
            await pipeline.start()
        self.started = True
        for connection in list(self.site.connections):
            connection.server_started()
