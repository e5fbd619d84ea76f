"""Tracebacks that come again and again: the log shows one of a kind per interval, so a failing client fills no disk.

How many there were `Counters` says, once per interval too.
"""

from typing import Any

from twisted.logger import LogEvent, PredicateResult

from filtered_websocket.chain import outcomes
from filtered_websocket.monitoring.counters import INTERVAL

MAX_KINDS = 1000
"""Kinds that are remembered; they are made of names and lines of code, of which somebody may make ever new ones."""


class Repeated:
    """A predicate of the log. A kind is `chain.failures.kind_of` the exception."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, str, int, int], float] = {}

    def __call__(self, event: LogEvent) -> Any:
        kind, now = event.get("kind"), event["log_time"]
        # A filter's own events may have fields of any names.
        if kind is None or event.get("log_namespace") != outcomes.__name__:
            return PredicateResult.maybe
        shown = self._shown.get(kind)
        if shown is not None and shown <= now < shown + INTERVAL:
            return PredicateResult.no
        if len(self._shown) >= MAX_KINDS:
            self._shown.clear()
        self._shown[kind] = now
        return PredicateResult.maybe
