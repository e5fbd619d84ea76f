"""GET /metrics: what the server counted, as Prometheus reads it.

Everything is counted in plain integers where it happens, and made into metrics when somebody asks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from twisted.internet.defer import Deferred

from filtered_websocket import __version__
from filtered_websocket.chain.counters import Figure
from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Connection, Pipeline
from filtered_websocket.monitoring.stopwatch import Stopwatch
from filtered_websocket.monitoring.watchdog import BOUNDS, Watchdog
from filtered_websocket.web.access import require_admin
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.interfaces import Answered, HTTPServer
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import Response

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STORAGE_SECONDS = 1.0
"""How long a scrape waits for the storage object."""
MAX_REASONS = 100
"""Values of a label; what is beyond them is counted as "other"."""

EVENTS = {
    "refused": "Connections and requests refused",
    "dropped": "Messages dropped",
    "slowed": "Times a client above a rate was made to wait",
    "closed": "Connections the server closed",
    "failed": "Failures of filters, endpoints and of what nobody waited for",
    "recovered": "Clients that came back and went on as if they had not been away",
    "not recovered": "Clients that came back and had to begin anew",
    "held the reactor": "",
}
FROM_THE_START = {
    "dropped": (
        "consumer filters too slow",
        "slow client, disconnect",
        "slow client, drop-new",
        "slow client, drop-old",
        "slow client, latest",
        "lost while the storage object was away",
    ),
}
"""Reasons that are there before anything has happened: an alert on the increase of what is not there stays silent."""


class Metrics(Endpoint):
    path = "/metrics"

    @classmethod
    def handle(cls, pipeline: Pipeline | None, request: HTTPRequest) -> "Deferred[Response]":
        require_admin(request)
        return start(cls._scrape(request.server))

    @classmethod
    async def _scrape(cls, server: HTTPServer) -> Response:
        text = generate_latest(_registry(server, await round_trip(server)))
        return Response(200, text, (("Cache-Control", "no-store"),), CONTENT_TYPE)


async def round_trip(server: HTTPServer) -> float:
    """Seconds that the storage object takes to answer; NaN if it does not."""
    begin = server.reactor.seconds()
    asked = server.storage_object.get("fws metrics probe")
    asked.addTimeout(STORAGE_SECONDS, server.reactor)
    try:
        await asked
    except Exception:
        return float("nan")
    return float(server.reactor.seconds() - begin)


def _registry(server: HTTPServer, round_trip: float) -> CollectorRegistry:
    # A registry of each scrape: there may be several servers in a process, and nothing is kept.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(server, round_trip))
    ProcessCollector(registry=registry)
    return registry


class _Collector:
    def __init__(self, server: HTTPServer, round_trip: float) -> None:
        self._server, self._round_trip = server, round_trip

    def collect(self) -> Iterator[Metric]:
        server = self._server
        yield GaugeMetricFamily("fws_ready", "1 while the server should get clients", value=int(not server.unready))
        info = GaugeMetricFamily("fws_info", "The version of filtered_websocket", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield from _pipelines(server.pipelines, server.blocked)
        opening = server.countConnections - len(server.connections)
        yield GaugeMetricFamily("fws_connections_opening", "Connections that are not yet, or no more, open", opening)
        yield from _http(server.sites)
        yield from _events(server.counters.totals)
        yield from _of_filters(server.counters.figures)
        yield GaugeMetricFamily(
            "fws_storage_ready", "1 while the storage object works", value=int(server.storage_object.ready)
        )
        yield GaugeMetricFamily(
            "fws_storage_round_trip_seconds", "Time the storage object took to answer this scrape", self._round_trip
        )
        if server.watchdog is not None:
            yield _lag(server.watchdog)
        if server.stopwatch is not None:
            yield _filter_times(server.stopwatch)


def _pipelines(pipelines: Iterable[Pipeline], blocked: Iterable[Connection]) -> Iterator[Metric]:
    gauges = {
        "connections": "Open connections",
        "channels": "Channels with subscribers on this process",
        "send_buffer_bytes": "Bytes that wait for slow clients",
    }
    counters = {
        "connections_opened": "Connections opened",
        "messages_received": "Messages received",
        "received_bytes": "Bytes of messages received",
        "publications": "Publications delivered on this process",
        "messages_sent": "Messages sent, to all subscribers and directly (fan-out is sent per publication)",
        "sent_bytes": "Bytes of frames sent",
    }
    metrics: dict[str, Any] = {
        name: GaugeMetricFamily(f"fws_{name}", text, labels=["pipeline"]) for name, text in gauges.items()
    }
    metrics |= {name: CounterMetricFamily(f"fws_{name}", text, labels=["pipeline"]) for name, text in counters.items()}
    waiting: dict[Pipeline, int] = {}
    for connection in list(blocked):
        waiting[connection.pipeline] = waiting.get(connection.pipeline, 0) + connection.pending
    for pipeline in pipelines:
        hub = pipeline.hub
        values = {
            "connections": len(pipeline.users),
            "channels": len(hub.channels),
            "send_buffer_bytes": waiting.get(pipeline, 0),
            "connections_opened": pipeline.opened,
            "messages_received": pipeline.messages_in,
            "received_bytes": pipeline.bytes_in,
            "publications": hub.publications,
            "messages_sent": hub.deliveries,
            "sent_bytes": hub.bytes_out,
        }
        for name, value in values.items():
            metrics[name].add_metric([pipeline.name or "*"], value)
    yield from metrics.values()


def _http(sites: Iterable[Answered]) -> Iterator[Metric]:
    connections, responses = 0, dict[int, int]()
    for site in sites:
        connections += len(site.connections)
        for kind, count in site.responses.items():
            responses[kind] = responses.get(kind, 0) + count
    yield GaugeMetricFamily("fws_http_connections", "Plain HTTP connections", value=connections)
    answered = CounterMetricFamily("fws_http_responses", "Plain HTTP responses by class of status", labels=["status"])
    for kind, count in sorted(responses.items()):
        answered.add_metric([f"{kind}xx"], count)
    yield answered


def _events(totals: Mapping[tuple[str, str], int]) -> Iterator[Metric]:
    for what, text in EVENTS.items():
        label, name = ("filter", "filter_held_reactor") if what == "held the reactor" else ("reason", what)
        name = name.replace(" ", "_")
        metric = CounterMetricFamily(f"fws_{name}", text or "Times a filter held the reactor too long", labels=[label])
        reasons = dict.fromkeys(FROM_THE_START.get(what, ()), 0)
        for (kind, reason), count in list(totals.items()):
            if kind == what:
                shown = reason if len(reasons) < MAX_REASONS or reason in reasons else "other"
                reasons[shown] = reasons.get(shown, 0) + count
        for reason, count in reasons.items():
            metric.add_metric([reason], count)
        yield metric


def _of_filters(figures: Iterable[Callable[[], Iterable[Figure]]]) -> Iterator[Metric]:
    """What filters have. Two uses of one may say the same of the same thing: it is added up."""
    families: dict[str, tuple[Figure, dict[tuple[str, ...], float]]] = {}
    for figure in (each for read in [*figures] for each in read()):
        values = families.setdefault(figure.name, (figure, {}))[1]
        labels = tuple(value for _, value in figure.labels)
        values[labels] = values.get(labels, 0) + figure.value
    for name, (figure, values) in families.items():
        kind = CounterMetricFamily if figure.kind == "counter" else GaugeMetricFamily
        metric: Any = kind(f"fws_{name}", figure.text, labels=[label for label, _ in figure.labels])
        for labels, value in values.items():
            metric.add_metric(labels, value)
        yield metric


def _lag(watchdog: Watchdog) -> Metric:
    buckets, total = list[Any](), 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), watchdog.lags, strict=True):
        total += count
        buckets.append((bound, total))
    metric = HistogramMetricFamily("fws_reactor_lag_seconds", "How late the reactor's ticks are")
    metric.add_metric([], buckets, watchdog.lag_sum)
    return metric


def _filter_times(stopwatch: Stopwatch) -> Metric:
    metric = SummaryMetricFamily(
        "fws_filter_sampled_seconds",
        "Time of filters in the runs that were sampled",
        labels=["pipeline", "event", "filter"],
    )
    for (pipeline, event, name), times in stopwatch.times.items():
        if times.count:
            metric.add_metric([pipeline or "*", event, name], times.count, times.seconds)
    return metric
