"""What holds the reactor: one filter that computes or waits makes everybody wait.

The reactor ticks; how late a tick is, is the lag. A thread of its own sees when a tick is overdue, looks at what the
reactor's thread is doing, and names the filter. The filters themselves pay nothing for it.
"""

import os
import sys
import threading
import time
from collections import deque
from types import FrameType

import autobahn
import twisted
from twisted.logger import Logger

from filtered_websocket.chain import running
from filtered_websocket.chain.clock import Clock, DelayedCall
from filtered_websocket.chain.counters import Counters
from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import seconds
from filtered_websocket.monitoring import stopwatch

_log = Logger()

FILTER_TIME_WARN = Option(
    "filter_time_warn",
    seconds(0, 3600),
    0.1,
    "a filter that holds the reactor longer is named in the log and in the metrics; 0: none is",
    unit="s",
    at_start=True,
)
OPTIONS = (FILTER_TIME_WARN,)

TICKS = (0.005, 0.05)
"""Seconds between two ticks, at least and at most: a fifth of the option, which is how exactly it is kept."""
STUCK = 2.0
"""After so many seconds the log is told at once: the reactor may never come back to tell it."""
BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""Upper bounds of the classes of lag, in seconds; a last class is above them all."""
MAX_NAMES = 100
MAX_LATEST = 1000
"""Ticks that are kept for what looks at them each second."""

_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")
_LIBRARIES = tuple(
    os.path.join(os.path.dirname(os.path.abspath(str(each.__file__))), "") for each in (os, twisted, autobahn)
)
_CALLERS = frozenset({running.__file__, stopwatch.__file__, os.path.join(_PACKAGE, "web", "site.py")})
"""What calls filters and endpoints: a function that one of these called is one."""
_REACTOR = frozenset({"mainLoop", "run_forever"})
_WAITING = frozenset({"doPoll", "doSelect", "select", "poll"})
"""Functions of reactors: that turn, and that wait for events."""


class Watchdog:
    """Measures a reactor's lag and names the filters that cause it.

    :param counters: are told of each time the reactor was held, with the name of what held it
    :param warn: seconds; 0 to measure only
    :ivar lags: how many ticks were late by up to each of `BOUNDS`, and above
    :ivar lag_sum: seconds, of all ticks
    """

    def __init__(self, reactor: Clock, counters: Counters, warn: float) -> None:
        self.lags = [0] * (len(BOUNDS) + 1)
        self.lag_sum = 0.0
        self._latest: deque[float] = deque(maxlen=MAX_LATEST)
        self._counters, self._warn = counters, warn
        self._interval = min(TICKS[1], max(TICKS[0], warn / 5)) if warn else TICKS[1]
        self._reactor = reactor
        self._call: DelayedCall | None = None
        self._due = 0.0
        self._thread_id = 0
        self._held: tuple[float, str] | None = None
        self._names: set[str] = set()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; called in the reactor's thread."""
        self._thread_id = threading.get_ident()
        self._due = time.monotonic() + self._interval
        self._call = self._reactor.callLater(self._interval, self._tick)
        if self._warn:
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def take_latest(self) -> tuple[float, float]:
        """Of the ticks since this was last called: the latest, and what 99 of 100 were late by at most (seconds)."""
        ordered = sorted(self._latest)
        self._latest.clear()
        return (ordered[-1], stopwatch.at_most(ordered, 0.99)) if ordered else (0.0, 0.0)

    def _tick(self) -> None:
        now = time.monotonic()
        lag = max(0.0, now - self._due)
        self._due = now + self._interval
        self._call = self._reactor.callLater(self._interval, self._tick)
        self.lag_sum += lag
        self._latest.append(lag)
        place = 0
        while place < len(BOUNDS) and lag > BOUNDS[place]:
            place += 1
        self.lags[place] += 1
        held, self._held = self._held, None
        if held is not None:
            name = held[1]
            if name not in self._names and len(self._names) >= MAX_NAMES:
                name = "others"
            self._names.add(name)
            self._counters.count("held the reactor", name, f"{lag:.3f} s; filter_time_warn is {self._warn:g} s")

    # In the thread.

    def _watch(self) -> None:
        told = 0.0
        while not self._ended.wait(max(0.001, self._due + self._warn - time.monotonic())):
            due = self._due
            late = time.monotonic() - due
            if late < self._warn:
                continue
            if self._held is None:
                name = culprit_of(sys._current_frames().get(self._thread_id))
                # The tick may have come while the frames were looked at: then they tell of something else.
                if name and self._due == due:
                    self._held = (due, name)
            held = self._held
            if held is not None and late > STUCK and told != due:
                told = due
                _log.error("{name} has held the reactor for {late:.1f} s, and still does", name=held[1], late=late)
            self._ended.wait(self._warn)


def culprit_of(frame: FrameType | None) -> str:
    """What runs in this stack, as ``module.qualified_name``: the innermost filter or endpoint; else the outermost
    function that is a user's, such as a timer's; else the innermost of this package.

    :returns: empty if the reactor only waits for events
    """
    if frame is None or frame.f_code.co_name in _WAITING:
        return ""
    users, ours = "", ""
    while frame is not None and frame.f_code.co_name not in _REACTOR:
        file, caller = frame.f_code.co_filename, frame.f_back
        if caller is not None and file not in _CALLERS and caller.f_code.co_filename in _CALLERS:
            return _name(frame)
        if file.startswith(_PACKAGE):
            ours = ours or _name(frame)
        elif not file.startswith(_LIBRARIES):
            users = _name(frame)
        frame = caller
    return users or ours


def _name(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"
