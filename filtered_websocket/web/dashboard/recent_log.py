"""The last lines of the log, kept in memory for the dashboard. Secrets are in no log, and so not here."""

from collections import deque
from typing import Any, NamedTuple

from twisted.logger import LogEvent, LogLevel, formatEvent, globalLogPublisher

from filtered_websocket.monitoring.logs import is_noise

LINES = 200
LONGEST = 2000
"""Characters of one entry; a traceback is the longest."""


class Line(NamedTuple):
    """One entry: `number` counts from 1, `time` is in seconds since 1970."""

    number: int
    time: float
    level: str
    text: str


class RecentLog:
    """The newest entries from the level info upwards.

    :ivar last: number of the newest entry, 0 for none
    """

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=LINES)
        self.last = 0
        # Any callable is an observer; its interface is zope's, which mypy does not read.
        self._observer: Any = self._observe

    def start(self) -> None:
        globalLogPublisher.addObserver(self._observer)

    def stop(self) -> None:
        globalLogPublisher.removeObserver(self._observer)

    def after(self, number: int) -> list[Line]:
        """The entries that are newer than this one, oldest first."""
        return [line for line in self._lines if line.number > number]

    def _observe(self, event: LogEvent) -> None:
        level = event.get("log_level") or LogLevel.info
        if level < LogLevel.info:
            return
        text = formatEvent(event)
        failure = event.get("log_failure")
        if failure is not None:
            # The whole of it is in the log itself.
            text = f"{text}: {failure.type.__name__}: {failure.getErrorMessage()}"
        if text and not is_noise(text):
            self.last += 1
            self._lines.append(Line(self.last, event["log_time"], level.name, text.rstrip()[:LONGEST]))
