"""The end of a server, and what it waits for.

In this order, each step with a limit of its own:

1. clients are closed, over ``drain_seconds``, and their disconnect chains run;
2. what others are owed is sent, within ``stop_seconds``; packs leave the rest to other nodes;
3. stop filters run;
4. the storage object ends.
"""

from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import deferLater

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Options
from filtered_websocket.connection.connection import Connection
from filtered_websocket.limits.deadlines import Deadlines
from filtered_websocket.limits.heartbeat import Heartbeat
from filtered_websocket.limits.ticker import Ticker
from filtered_websocket.monitoring.counters import Counters
from filtered_websocket.pipeline.pipeline import Pipeline
from filtered_websocket.server.channel_inspection import ChannelInspection
from filtered_websocket.server.cluster import Cluster
from filtered_websocket.server.observation import Observation
from filtered_websocket.server.tracing import Tracing
from filtered_websocket.storage_objects.base import BaseStorageObject
from filtered_websocket.web.dashboard.endpoints import Dashboard
from filtered_websocket.web.site import Site

FAREWELL_SECONDS = 1.5
"""How long clients have to answer our close frames."""
ABORT_SECONDS = 0.3
"""How long the disconnect chains of clients have at least that did not."""
LAST_SECONDS = 2.0
"""How long packs have beyond the time to send what is owed: to leave the rest to others."""
STEPS = 20
"""Filters of a disconnect chain that are cut off one after another, so that each does what it does before it waits."""
SLICE_SECONDS = 0.02
"""While clients are closed over a time, some are closed each so often."""


class Stopping:
    """The end of a server."""

    options: Options
    reactor: Any
    counters: Counters
    storage_object: BaseStorageObject
    pipelines: list[Pipeline]
    connections: set[Connection]
    blocked: set[Connection]
    site: Site
    dashboard: Dashboard
    cluster: Cluster
    tracing: Tracing
    channel_inspection: ChannelInspection
    observation: Observation
    heartbeat: Heartbeat
    ages: Ticker
    deadlines: Deadlines
    stopping: bool

    def __init__(self) -> None:
        self.stopping = False
        self._ending: set[Deferred[Any]] = set()
        self._emptied: Deferred[None] | None = None
        self._owed: set[Deferred[Any]] = set()
        self._paid: Deferred[None] | None = None
        self._stop_ends: float | None = None
        #: in their handshake, while a filter decides
        self.deciding: set[Connection] = set()

    def ending(self, chain: Deferred[Any]) -> None:
        """A disconnect chain runs, or a stop chain after a reload; the server's own end waits for it."""
        self._ending.add(chain)
        chain.addBoth(self._has_ended, chain)

    def _has_ended(self, _: Any, chain: Deferred[Any]) -> None:
        self._ending.discard(chain)
        self.check_emptied()

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

    def check_emptied(self) -> None:
        if self._emptied is not None and not self.connections and not self._ending and not self.site.connections:
            emptied, self._emptied = self._emptied, None
            emptied.callback(None)

    def stop(self) -> Deferred[Any]:
        """Close every client, then the pipelines, then the storage object.

        Ends within 2 seconds where nothing is owed, and else within ``stop_seconds`` and 2; that much after
        ``drain_seconds``, and with what stop filters need.
        """
        return start(self._stop())

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
        settled = [start(settle()) for pipeline in self.pipelines for settle in pipeline.settling]
        if settled:
            settling = DeferredList(settled, consumeErrors=True)
            await settling.addTimeout(self.seconds_to_stop + LAST_SECONDS, self.reactor, lambda *_: None)
        await DeferredList([pipeline.stop() for pipeline in self.pipelines], consumeErrors=True)
        for pipeline in self.pipelines:
            pipeline.drop_waiting()
        self._cut_off()
        self.heartbeat.stop()
        self.ages.stop()
        self.deadlines.end()  # of connections that are still in their handshake, too
        for connection in list(self.blocked):
            connection.abortConnection()  # one in its handshake that does not take the answer
        self.dashboard.stop()
        self.cluster.stop()
        self.tracing.stop()
        self.channel_inspection.stop()
        self.observation.stop()
        await self.storage_object.stop()
        self.counters.stop()

    def _cut_off(self) -> None:
        """End the filters of clients that wait still: they, and all that they hold, would outlive the server."""
        for chain in tuple(self._ending):
            for _ in range(STEPS):
                if chain in self._ending:
                    chain.cancel()
        for connection in tuple(self.deciding):
            self.counters.count("dropped", "filters took longer than the stop")
            connection.abortConnection()

    @property
    def seconds_to_stop(self) -> float:
        """How long what is owed may be sent: less and less once the clients are closed."""
        if self._stop_ends is None:
            return float(self.options.stop_seconds)
        return max(0.0, self._stop_ends - float(self.reactor.seconds()))

    async def _until_empty(self, seconds: float) -> None:
        self._emptied = Deferred()
        emptied = self._emptied.addTimeout(seconds, self.reactor).addErrback(lambda _: None)
        self.check_emptied()
        await emptied

    async def _close_clients(self, seconds: float) -> None:
        """Close all clients, a few at a time where there is time: those that come back then do not come all at once."""
        clients = list(self.connections)
        slices = max(1, min(round(seconds / SLICE_SECONDS), len(clients)))
        begin = self.reactor.seconds()
        for number in range(slices):
            for connection in clients[number::slices]:
                connection.say_farewell()
            wait = begin + (number + 1) * seconds / slices - self.reactor.seconds()
            if wait > 0 and self.connections:
                await deferLater(self.reactor, wait)
