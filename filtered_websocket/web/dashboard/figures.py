"""What the dashboard shows, as JSON: what is counted anyway, looked at once a second and whenever somebody asks.

Rates are not computed here: a sample holds totals, and the page that draws takes the difference of two.
"""

import math
import os
import time
from collections import deque
from collections.abc import Iterable
from heapq import nlargest
from itertools import islice
from typing import Any, NamedTuple

from twisted.internet.task import LoopingCall

from filtered_websocket import __version__
from filtered_websocket.chain.interfaces import Connection, Pipeline
from filtered_websocket.monitoring.stopwatch import Stopwatch
from filtered_websocket.web.interfaces import HTTPServer

INTERVAL = 1.0
SAMPLES = 300
"""Seconds between two samples, and how many are kept."""
MOST = 10
"""Of slow clients, and of the channels of one pipeline: so many are shown, the greatest first."""
LOOKED_AT = 10_000
"""Channels of one pipeline that are looked at for the greatest: more would take the reactor's time."""
REASONS = 50


_STARTED = time.time() - time.monotonic()


def _date() -> float:
    """Seconds since 1970 that never go back: a page asks for what came after its newest."""
    return _STARTED + time.monotonic()


class Sample(NamedTuple):
    """The state, and totals since the start, at one time (seconds since 1970)."""

    time: float
    connections: int
    channels: int
    received: int
    publications: int
    sent: int
    sent_bytes: int
    waiting: int
    cpu: float
    lag_max: float
    lag_p99: float


class History:
    """Samples of one server, so that a page that is opened later has something to draw."""

    def __init__(self, server: HTTPServer) -> None:
        self._server = server
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._loop = LoopingCall(self.take)
        self._loop.clock = server.reactor

    def start(self) -> None:
        self._loop.start(INTERVAL)

    def stop(self) -> None:
        if self._loop.running:
            self._loop.stop()

    def take(self) -> None:
        """Take a sample now."""
        server = self._server
        hubs = [pipeline.hub for pipeline in server.pipelines]
        watchdog = server.watchdog
        self._samples.append(
            Sample(
                _date(),
                len(server.connections),
                sum(len(hub.channels) for hub in hubs),
                sum(pipeline.messages_in for pipeline in server.pipelines),
                sum(hub.publications for hub in hubs),
                sum(hub.deliveries for hub in hubs),
                sum(hub.bytes_out for hub in hubs),
                sum(connection.pending for connection in server.blocked),
                time.process_time(),
                *(watchdog.take_latest() if watchdog is not None else (0.0, 0.0)),
            )
        )

    def since(self, moment: float) -> list[Sample]:
        return [sample for sample in self._samples if sample.time > moment]


def figures(server: HTTPServer, round_trip: float) -> dict[str, Any]:
    """Everything but the history and the log.

    :param round_trip: seconds that the storage object took to answer; NaN if it did not
    """
    options, storage = server.options, server.storage_object
    return {
        "version": __version__,
        "process": os.getpid(),
        "worker": server.dashboard.worker,
        "now": _date(),
        "memory": _resident(),
        "unready": server.unready,
        "max_connections": options.max_connections,
        "storage": {
            "name": options.storage if hasattr(options, "storage") else type(storage).__module__.rpartition(".")[2],
            "ready": bool(storage.ready),
            "round_trip": None if math.isnan(round_trip) else round_trip,
            "shared": storage.shared,
            "durable": storage.durable,
        },
        "pipelines": [_pipeline(each, server.stopwatch) for each in server.pipelines],
        "counted": [
            [what, reason, count] for (what, reason), count in nlargest(REASONS, _totals(server), key=lambda of: of[1])
        ],
        "slow": [_slow(each) for each in nlargest(MOST, server.blocked, key=lambda of: of.pending)],
        "slow_clients": len(server.blocked),
    }


def _totals(server: HTTPServer) -> Iterable[tuple[tuple[str, str], int]]:
    return list(server.counters.totals.items())


def _pipeline(pipeline: Pipeline, stopwatch: Stopwatch | None) -> dict[str, Any]:
    channels = islice(pipeline.hub.channels.values(), LOOKED_AT)
    busiest = nlargest(MOST, channels, key=lambda of: len(of.subscribers))
    return {
        "name": pipeline.name,
        "patterns": list(pipeline.patterns),
        "connections": len(pipeline.users),
        "channels": len(pipeline.hub.channels),
        "busiest": [[channel.name, len(channel.subscribers)] for channel in busiest],
        "received": pipeline.messages_in,
        "publications": pipeline.hub.publications,
        "sent": pipeline.hub.deliveries,
        "chains": [
            {"event": event, "filters": [_filter(pipeline, event, each, stopwatch) for each in filters]}
            for event, filters in pipeline.filters.items()
            if filters
        ],
    }


def _filter(pipeline: Pipeline, event: str, each: type, stopwatch: Stopwatch | None) -> dict[str, Any]:
    name = f"{each.__module__}.{each.__qualname__}"
    times = stopwatch.times.get((pipeline.name, event, name)) if stopwatch is not None else None
    # Only a few runs of each second are timed: their number is no measure of the traffic.
    p50, p99, longest = (times.spread() if times is not None else None) or (None, None, None)
    return {"name": name, "p50": p50, "p99": p99, "max": longest}


def _slow(connection: Connection) -> dict[str, Any]:
    request = connection.request
    return {
        "id": str(connection.id),
        "peer": request.peer if request is not None else "",
        "path": request.path if request is not None else "",
        "waiting": connection.pending,
    }


def _resident() -> int | None:
    """Bytes of memory that this process has, None where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as status:
            return int(status.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
