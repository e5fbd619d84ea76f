"""One server under the load for so long: its memory all the while, and what it has before and after."""

import re
import statistics
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from tests.soak.load import Load
from tests.soak.served import Served
from tests.soak.state import SUMS, State, allocated, look
from tests.support.fws_server import FwsServer

EVERY = 2.0
"""Seconds between two looks at the memory."""
WARM_UP = 1 / 6
"""The part of the time after which the memory is measured first: longer than anything is kept, in an hour."""
WINDOW = 1 / 12
"""The part of the time over which it is measured, then and at the end."""
PARTS = 6
"""How many figures of the memory in between are shown."""
MOST_GROWTH = 0.02
REST = 90.0
"""Seconds after the load within which nothing may be left of it: recovery keeps clients that are away for a minute."""


class Memory:
    """What a process has allocated, over time.

    :param seconds: how long it will be looked at
    """

    def __init__(self, server: FwsServer, seconds: float) -> None:
        self._server, self._seconds = server, seconds
        self._began = time.monotonic()
        self._samples: list[tuple[float, int]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(EVERY):
            self._samples.append((time.monotonic() - self._began, allocated(self._server.process.pid)))

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def median(self, begin: float, end: float) -> int:
        """Bytes, over a part of the time: 0 to 1."""
        among = [size for at, size in self._samples if begin <= at / self._seconds <= end]
        return int(statistics.median(among or [size for _, size in self._samples]))

    @property
    def highest(self) -> int:
        return max(size for _, size in self._samples)


class Result(NamedTuple):
    """What became of one server, as JSON has it.

    :ivar memory: bytes: ``warm``, ``parts`` of the time after that, ``end``, ``highest``
    :ivar counted: "what: reason" -> how often the server counted it, and how often visits had to make it
    :ivar faults: what is not as it must be; empty if all is well
    """

    storage: str
    seconds: float
    visits: dict[str, int]
    sums: dict[str, int]
    cpu: float
    memory: dict[str, Any]
    left: dict[str, list[int]]
    counted: dict[str, list[int]]
    faults: list[str]


def soak(storage: str, folder: Path, seconds: float, seed: int) -> Result:
    """Start a server, load it, and look at what is left.

    :param storage: of `served.STORAGES`
    """
    with Served(storage, folder, anew=True) as server:
        load = Load(server, seed)
        load.once(seed)
        first = _at_rest(server)
        memory = Memory(server, seconds)
        load.begin()
        threading.Event().wait(seconds)
        load.end()
        memory.end()
        last = _at_rest(server, first)
        log = server.log
    end = {"warm": memory.median(WARM_UP, WARM_UP + WINDOW), "end": memory.median(1 - WINDOW, 1.0)}
    step = (1 - WARM_UP) / PARTS
    starts = [WARM_UP + step * number for number in range(PARTS)]
    parts = [memory.median(begin, begin + step) for begin in starts]
    left = {
        name: [before, after]
        for name, before, after in zip(
            ("descriptors", "threads", "children"), first.left[:3], last.left[:3], strict=True
        )
    } | {name: [int(before), int(dict(last.left.gauges)[name])] for name, before in first.left.gauges}
    counted = _counted(last.counted, load.counts.expected)
    return Result(
        storage,
        seconds,
        dict(sorted(load.made.items())),
        {name: last.sums[name] - first.sums[name] for name in SUMS},
        last.cpu - first.cpu,
        end | {"parts": parts, "highest": memory.highest},
        left,
        counted,
        [*load.failures, *_faults(end, left, counted, log)],
    )


def _at_rest(server: FwsServer, before: State | None = None) -> State:
    """What it has when all have gone: the same as before, or whatever there still is after `REST`."""
    end = time.monotonic() + REST
    while True:
        state = look(server)
        gone = before.left == state.left if before else not any(value for _, value in state.left.gauges)
        if gone or time.monotonic() > end:
            return state
        threading.Event().wait(0.5)


def _counted(counted: Counter[tuple[str, str]], expected: Counter[tuple[str, str]]) -> dict[str, list[int]]:
    return {
        f"{what}: {reason}": [counted[what, reason], expected[what, reason]]
        for what, reason in sorted(counted.keys() | expected.keys())
    }


def _faults(memory: dict[str, int], left: dict[str, list[int]], counted: dict[str, list[int]], log: str) -> list[str]:
    growth = memory["end"] / memory["warm"] - 1
    faults = [f"the memory has grown by {growth:.1%}"] if growth > MOST_GROWTH else []
    faults += [f"{name}: {before} before, {after} after" for name, (before, after) in left.items() if before != after]
    faults += [f"{name}: counted {got}, explained {due}" for name, (got, due) in counted.items() if got != due]
    faults += [
        f"in the log: {line}" for line in log.splitlines() if re.match(r"Traceback|[-\d]+ [:\d]+ (error|crit)", line)
    ]
    return faults
