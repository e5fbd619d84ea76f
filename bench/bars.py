"""What this server is held to: each bar against another row of the same run, or against a fixed figure."""

from typing import NamedTuple

from figures import Figures
from rows import OURS

PYTHON_PEERS = ("picows", "aiohttp", "aiohttp_uvloop", "websockets", "websockets_uvloop", "tw_autobahn")
DELIVERIES = ("fan1000", "fan1000w16", "pair", "echo1", "echo16")
# Plain Autobahn took 228 us a handshake where 110 were asked for: said as a ratio, it holds on any machine.
HANDSHAKE = 228 / 110


class Bar(NamedTuple):
    workload: str
    field: str
    other: str | None  # None: `limit` is the figure itself, at most
    limit: float
    row: str = OURS


class Verdict(NamedTuple):
    bar: Bar
    measured: float | None

    @property
    def passed(self) -> bool:
        if self.measured is None:
            return False
        return self.measured >= self.bar.limit if self.bar.other else self.measured <= self.bar.limit


BARS = (
    Bar("fan1000", "cpu_us", "c_limit", 0.70),
    Bar("fan1000", "cpu_us", "node_ws", 1.0),
    *(Bar("fan1000", "cpu_us", peer, 1.0) for peer in PYTHON_PEERS),
    Bar("fan1000w16", "cpu_us", "c_limit_coalesce", 0.80),
    Bar("fan1000w16", "cpu_us", "node_ws", 4.0),
    Bar("pair", "cpu_us", "c_limit_coalesce", 0.60),
    Bar("pair", "cpu_us", "node_ws", 3.0),
    Bar("echo1", "cpu_us", "c_limit", 0.55),
    Bar("echo1", "cpu_us", "aiohttp", 1.2),
    Bar("echo1", "cpu_us", "tw_autobahn", 4.0),
    Bar("echo16", "cpu_us", "aiohttp", 3.0),
    Bar("fan1000", "cpu_us", "python_socketio", 5.0, "ws_emit"),
    Bar("fan1000", "cpu_us", "node_socketio", 1.0, "ws_emit"),
    Bar("idle", "kb_per_conn", None, 6.0),
    Bar("idle", "hs_cpu_us", "tw_autobahn", HANDSHAKE),
    *(Bar(workload, "p99_us", "node_ws", 1.0) for workload in DELIVERIES),
)


def verdicts(figures: Figures) -> list[Verdict]:
    return [Verdict(bar, _measured(figures, bar)) for bar in BARS]


def _measured(figures: Figures, bar: Bar) -> float | None:
    if bar.other is None:
        return figures.median(bar.row, bar.workload, bar.field)
    return figures.ratio(bar.row, bar.other, bar.workload, bar.field)
