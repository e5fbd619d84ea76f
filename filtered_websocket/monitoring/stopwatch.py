"""How long filters take, by sampling: a few runs of each chain per second are timed, all others cost nothing.

A timed run is a chain like any other: its steps are wrapped. It stands in the pipeline's `chains` until it has run
once; its first step puts the plain chain back.
"""

import math
import time
from array import array
from collections import defaultdict
from collections.abc import MutableMapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from filtered_websocket.chain.clock import Clock
from filtered_websocket.chain.interfaces import Pipeline, Server
from filtered_websocket.chain.running import Step

RECENT = 256
"""Timed runs that percentiles are of: at least half a minute."""
INTERVAL = 0.1
"""Seconds from one timed run of a chain to the next, at least."""


class Times:
    """What a filter took in its timed runs, the time it was awaited included."""

    __slots__ = ("_recent", "count", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        # As many as there will ever be: a quarter of what objects take, and a server does not grow while it warms up.
        self._recent = array("d", bytes(8 * RECENT))

    def add(self, seconds: float) -> None:
        self._recent[self.count % RECENT] = seconds
        self.count += 1
        self.seconds += seconds

    def spread(self) -> tuple[float, float, float] | None:
        """Of the last timed runs: what half of them, and all but one of a hundred, took at most, and the longest."""
        if not self.count:
            return None
        ordered = sorted(self._recent[: self.count])
        return at_most(ordered, 0.5), at_most(ordered, 0.99), ordered[-1]


def at_most(ordered: Sequence[float], share: float) -> float:
    """What this share of some values is at most (nearest rank).

    >>> at_most([1, 2, 3, 4], 0.5), at_most([1, 2, 3, 4], 0.99)
    (2, 4)
    """
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


class Stopwatch:
    """Times the filters of a server's pipelines.

    :ivar times: (pipeline's name, event, filter's name) -> what its timed runs took
    """

    def __init__(self, server: Server, clock: Clock) -> None:
        self.times: dict[tuple[str, str, str], Times] = defaultdict(Times)
        self._server = server
        self._loop = LoopingCall(self.arm)
        its_time: Any = clock  # Twisted's interface is Zope's, which mypy does not read
        self._loop.clock = its_time
        #: (pipeline's name, event) -> its chain and the timed one; a chain that a reload has replaced is held no longer
        self._timed: dict[tuple[str, str], tuple[tuple[Step, ...], tuple[Step, ...]]] = {}

    def start(self) -> None:
        self._loop.start(INTERVAL, now=False)

    def stop(self) -> None:
        if self._loop.running:
            self._loop.stop()

    def arm(self) -> None:
        """Let the next run of every chain be a timed one."""
        for pipeline in self._server.pipelines:
            for event, chain in pipeline.chains.items():
                # Of one that is traced the first step is no filter.
                if chain and not isinstance(chain[0], _TimedStep) and len(chain) == len(pipeline.filters[event]):
                    pipeline.chains[event] = self._timed_chain(pipeline, event, chain)

    def _timed_chain(self, pipeline: Pipeline, event: str, chain: tuple[Step, ...]) -> tuple[Step, ...]:
        plain, timed = self._timed.get((pipeline.name, event), ((), ()))
        if plain is not chain:
            names = [f"{each.__module__}.{each.__qualname__}" for each in pipeline.filters[event]]
            steps = tuple(
                _TimedStep(step, self.times[pipeline.name, event, name])
                for step, name in zip(chain, names, strict=True)
            )
            steps[0].ends = (pipeline.chains, event, chain)
            timed = steps
            self._timed[pipeline.name, event] = (chain, timed)
        return timed


class _TimedStep:
    """One filter of a timed run."""

    # What is told of a failure names the filter within.
    __slots__ = ("__wrapped__", "_times", "ends")

    def __init__(self, step: Step, times: Times) -> None:
        self.__wrapped__, self._times = step, times
        self.ends: tuple[MutableMapping[str, tuple[Step, ...]], str, tuple[Step, ...]] | None = None

    def __call__(self, instance: Any, data: Any) -> Any:
        if self.ends is not None:
            chains, event, plain = self.ends
            # Unless the pipeline has loaded its filters anew meanwhile.
            if chains[event] and chains[event][0] is self:
                chains[event] = plain
        begin = time.perf_counter()
        result = None
        try:
            result = self.__wrapped__(instance, data)
        finally:
            if result is None or not (isinstance(result, Deferred) or hasattr(result, "__await__")):
                self._times.add(time.perf_counter() - begin)
        if isinstance(result, Deferred):
            return result.addBoth(self._awaited, begin)
        return self._timed(result, begin) if hasattr(result, "__await__") else result

    def _awaited(self, result: Any, begin: float) -> Any:
        self._times.add(time.perf_counter() - begin)
        return result

    async def _timed(self, awaitable: Any, begin: float) -> Any:
        try:
            return await awaitable
        finally:
            self._times.add(time.perf_counter() - begin)
