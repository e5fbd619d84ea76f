"""What this server is held to: each bar against another row of the same run, or against a fixed figure."""

from collections.abc import Iterator
from typing import NamedTuple

from figures import Figures
from rows import COMPILED, OURS

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
    beside: str = ""  # the workload in which the other row is looked at; "": the same one


class Verdict(NamedTuple):
    bar: Bar
    measured: float | None

    @property
    def passed(self) -> bool:
        if self.measured is None:
            return False
        return self.measured >= self.bar.limit if self.bar.other else self.measured <= self.bar.limit


_GO = ("gorilla", "coder", "nbio")
_EVERY_PEER = ("picows", "node_ws", "aiohttp_uvloop", "websockets_uvloop", "starlette", *COMPILED)


def _cpu(workload: str, **limits: float) -> Iterator[Bar]:
    """The CPU of these rows in a workload, each as at least so many times ours."""
    return (Bar(workload, "cpu_us", other, limit) for other, limit in limits.items())


def _socketio(workload: str, **limits: float) -> Iterator[Bar]:
    return (bar._replace(row="socketio") for bar in _cpu(workload, **limits))


def _centrifugo(workload: str, limit: float, field: str = "cpu_us", suffix: str = "") -> Bar:
    """The pack, against Centrifugo itself on the same storage."""
    return Bar(workload, field, f"go_centrifugo{suffix}", limit, f"centrifugo{suffix}")


BARS = (
    *_cpu("fan1000", c_limit=0.70, node_ws=1.0, **dict.fromkeys(PYTHON_PEERS, 1.0)),
    *_cpu("fan1000w16", c_limit_coalesce=0.80, node_ws=4.0),
    *_cpu("pair", c_limit_coalesce=0.75, node_ws=3.0),
    *_cpu("echo1", c_limit=0.70, picows=1.0, gorilla=1.0, tungstenite=1.0, aiohttp=1.2, tw_autobahn=4.0),
    *_cpu("echo16", aiohttp=3.0),
    Bar("fan1000", "cpu_us", "python_socketio", 5.0, "ws_emit"),
    Bar("fan1000", "cpu_us", "node_socketio", 1.0, "ws_emit"),
    Bar("pair", "cpu_us", "node_socketio", 3.0, "ws_emit"),
    Bar("idle", "kb_per_conn", None, 6.0),
    Bar("idle", "hs_cpu_us", "tw_autobahn", HANDSHAKE),
    Bar("idle", "hs_cpu_us", "node_ws", 1.0),
    *(Bar(workload, "p99_us", "node_ws", 1.0) for workload in DELIVERIES),
    *_cpu("fan10", **dict.fromkeys(_EVERY_PEER, 1.0)),
    *_cpu("echo64k", aiohttp_uvloop=1.0, picows=0.9, node_ws=3.0, **dict.fromkeys(_GO, 1.5)),
    *_cpu("echo1m", aiohttp_uvloop=1.0, picows=0.7, node_ws=3.0, **dict.fromkeys(_GO, 1.5)),
    *_cpu("fan64k", **dict.fromkeys(_EVERY_PEER, 1.0)),
    *_cpu("tls_echo", node_ws=1.0, aiohttp_uvloop=1.0, picows=0.8),
    *_cpu("tls_fan200", node_ws=1.0, aiohttp_uvloop=1.0, picows=0.8),
    Bar("tls_idle", "kb_per_conn", None, 30.0),
    *_cpu("churn", node_ws=0.8, aiohttp_uvloop=0.9),
    *_cpu("tls_churn", node_ws=1.3, aiohttp_uvloop=1.1),
    *(Bar("handshake", "hs_cpu_us", *bar) for bar in (("node_ws", 0.8), ("gorilla", 0.75), ("coder", 1.0))),
    Bar("handshake", "hs_cpu_us", OURS, 1 / 1.4, "philote"),
    *_cpu("shared2", **dict.fromkeys(_EVERY_PEER, 1.5)),
    *_cpu("shared20", **dict.fromkeys(_EVERY_PEER, 1.5)),
    *_socketio("sio_ack", node_socketio=1.0, python_socketio=4.0),
    *_socketio("sio_fan1000", node_socketio=2.5, python_socketio=6.0),
    *_socketio("sio_rooms", node_socketio=3.0, python_socketio=8.0),
    Bar("sio_idle", "kb_per_conn", "node_socketio", 2.0, "socketio"),
    _centrifugo("cen_fan1000", 1.5),
    _centrifugo("cen_fan1000w16", 1.0),
    _centrifugo("cen_fan1000w16", 5.0, suffix="_redis"),
    _centrifugo("cen_rooms", 1.5),
    Bar("cen_mixed", "cpu_us", "centrifugo", 1 / 1.5, "centrifugo", "cen_fan1000"),
    Bar("cen_idle", "kb_per_conn", None, 10.0, "centrifugo"),
    _centrifugo("cen_coming_in", 1 / 1.25, "hs_cpu_us"),
    *(Bar(f"kept{fan}", "cpu_us", OURS, 1 / 1.15, OURS, f"fan{fan}") for fan in ("1000", "1000w16")),
    *(
        Bar(f"cluster_{what}", "cpu_us", f"{OURS}_redis7", 1 / 1.1, f"{OURS}_cluster")
        for what in ("publish", "kept", "fan1000")
    ),
    Bar("exec_pipe", "cpu_us", None, 50.0),
    *(Bar("presence10000", "cpu_us", row, 0.5, row, "presence100") for row in (OURS, f"{OURS}_redis")),
)


def verdicts(figures: Figures) -> list[Verdict]:
    return [Verdict(bar, _measured(figures, bar)) for bar in BARS]


def _measured(figures: Figures, bar: Bar) -> float | None:
    if bar.other is None:
        return figures.median(bar.row, bar.workload, bar.field)
    return figures.ratio(bar.row, bar.other, bar.workload, bar.field, bar.beside)
