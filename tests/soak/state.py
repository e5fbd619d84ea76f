"""What a server process has at one moment: from the system's process table and from its own metrics."""

import os
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from tests.soak.served import SECRET
from tests.support.fws_server import FwsServer
from tests.support.http_client import ask

COUNTED = {
    "fws_refused": "refused",
    "fws_closed": "closed",
    "fws_dropped": "dropped",
    "fws_failed": "failed",
    "fws_not_recovered": "not recovered",
    "fws_recovered": "recovered",
    "fws_filter_held_reactor": "held the reactor",
}
GAUGES = ("fws_connections", "fws_connections_opening", "fws_channels", "fws_send_buffer_bytes")
SUMS = (
    "fws_messages_received",
    "fws_messages_sent",
    "fws_publications",
    "fws_connections_opened",
    "fws_http_responses",
)
ALLOCATED = ("RssAnon", "RssShmem", "VmSwap")
"""Of /proc/PID/status, what no file on a disk has: a process's own memory, what it shares, what is swapped out."""


class Left(NamedTuple):
    """What has to be there again when all have gone. The connection that asks is not in it."""

    descriptors: int
    threads: int
    children: int
    gauges: tuple[tuple[str, float], ...]


class State(NamedTuple):
    """
    :ivar counted: refusals, drops, closes: ``(what, reason)`` -> times
    :ivar sums: `SUMS` -> over all pipelines
    :ivar cpu: seconds that it has used
    """

    left: Left
    counted: Counter[tuple[str, str]]
    sums: dict[str, int]
    cpu: float


def look(server: FwsServer) -> State:
    metrics = ask(("127.0.0.1", server.port), "GET", "/metrics", headers={"Authorization": f"Bearer {SECRET}"})
    assert metrics.status == 200, metrics
    gauges, sums = dict.fromkeys(GAUGES, 0.0), dict.fromkeys(SUMS, 0)
    counted: Counter[tuple[str, str]] = Counter()
    for family in text_string_to_metric_families(metrics.body.decode()):
        for sample in family.samples:
            if sample.name.endswith("_created"):
                continue
            if family.name in gauges:
                gauges[family.name] += sample.value
            elif family.name in sums:
                sums[family.name] += int(sample.value)
            elif family.name in COUNTED:
                counted[COUNTED[family.name], next(iter(sample.labels.values()))] += int(sample.value)
    return State(Left(*_of_process(server.process.pid), tuple(gauges.items())), +counted, sums, _cpu(server))


def allocated(pid: int | None) -> int:
    """What a process has allocated, in bytes; without pages of files, which the system reads and drops by itself."""
    told = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return 1024 * sum(int(told[name].removesuffix("kB")) for name in ALLOCATED)


def _of_process(pid: int | None) -> tuple[int, int, int]:
    folder = Path(f"/proc/{pid}")
    tasks: Any = list((folder / "task").iterdir())
    children = [child for task in tasks for child in (task / "children").read_text().split()]
    return len(os.listdir(folder / "fd")), len(tasks), len(children)


def _cpu(server: FwsServer) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
