"""What went wrong, counted: refusals, drops, slow clients, failures nobody looked at.

Counting is adding to an integer. The log gets the first of a kind at once and the sum of the others once per interval,
so an attack cannot fill a disk and nothing is lost silently.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.clock import Clock, DelayedCall
from filtered_websocket.chain.counters import Figure
from filtered_websocket.errors import printable

_log = Logger()

INTERVAL = 10.0
"""Seconds that one line of the log stands for."""
GOOD = "recovered"
"""What is no trouble."""
MAX_DETAIL = 200
"""Characters of a detail that the log shows."""


class Counters:
    """Totals by kind, a tuple of ``(what, reason)``.

    :param clock: of the intervals
    :ivar figures: what filters have at /metrics beside them
    """

    def __init__(self, clock: Clock, interval: float = INTERVAL) -> None:
        self.totals: Counter[tuple[str, str]] = Counter()
        self.figures: list[Callable[[], Iterable[Figure]]] = []
        self._clock = clock
        self._interval = interval
        self._logged: dict[tuple[str, str], int] = {}
        self._calls: list[DelayedCall] = []
        self._stopped = False

    def count(self, what: str, reason: str, detail: str = "", times: int = 1) -> None:
        """Count one event, or several of one kind.

        :param what: ``refused``, ``dropped``, ``slowed``, ``closed``, ``failed`` or ``not recovered``; ``recovered``,
            which is not logged
        :param reason: from a small fixed set: it becomes a label
        :param detail: of this one event, for the log only; escaped there, never a secret
        """
        kind = (what, reason)
        self.totals[kind] += times
        if kind in self._logged or what == GOOD:
            return
        several = f", {times}" if times > 1 else ""
        shown = f" ({printable(detail[:MAX_DETAIL])})" if detail else ""
        _log.warn("{what}: {reason}{several}{detail}", what=what, reason=reason, several=several, detail=shown)
        if self._stopped:
            return
        self._logged[kind] = self.totals[kind]
        self._calls.append(self._clock.callLater(self._interval, self._sum_up, kind))

    def _sum_up(self, kind: tuple[str, str]) -> None:
        self._calls = [call for call in self._calls if call.active()]
        more = self.totals[kind] - self._logged.pop(kind)
        if more:
            what, reason = kind
            _log.warn(
                "{what}: {reason}, {more} more in {interval:g} s",
                what=what,
                reason=reason,
                more=more,
                interval=self._interval,
            )

    def stop(self) -> None:
        """Write what is not yet written, and set no more timers."""
        self._stopped = True
        for call in self._calls:
            if call.active():
                call.cancel()
        for kind in list(self._logged):
            self._sum_up(kind)

    def watch(self, deferred: "Deferred[Any]", reason: str) -> "Deferred[Any]":
        """Count a failure of this Deferred if nobody handles it, where Twisted would log a traceback."""
        before = deferred._debugInfo
        unclaimed = _Unclaimed(self, reason)
        if before is not None:
            unclaimed.failResult, before.failResult = before.failResult, None
        deferred._debugInfo = unclaimed  # type: ignore[assignment]
        return deferred


class _Unclaimed:
    """Stands where a Deferred keeps its failure for the day it is collected with nobody having looked."""

    def __init__(self, counters: Counters, reason: str) -> None:
        self.failResult: Failure | None = None
        self._counters, self._reason = counters, reason

    def _getDebugTracebacks(self) -> str:
        return ""

    def __del__(self) -> None:
        if self.failResult is not None:
            self._counters.count("failed", self._reason, self.failResult.getErrorMessage())
