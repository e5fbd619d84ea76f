"""A clock in the place of the reactor: time passes when a test says so.

In a server ``reactor.seconds()`` and ``time.monotonic()`` are one clock. So they are here, for filters
(`testing.process_time`). ``time.time()`` is the date, and stays it.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.task import Clock
from twisted.python.failure import Failure

from filtered_websocket.testing.process_time import process_time

MAX_TURNS = 10_000
"""Turns without time passing; more than that is a filter that calls itself with ``callLater(0, ...)`` for ever."""
ROUNDING = 1e-6
"""Seconds: three times 0.1 are what 0.3 is."""
RESTLESS = f"no rest after {MAX_TURNS} turns: a filter calls itself with callLater(0, ...)"


class StillWaiting(AssertionError):  # noqa: N818 - a state, told as an exception
    """What was asked for has not happened: a filter waits, for time to pass (`Server.advance`) or for ever."""


class ClockReactor(Clock):
    """A reactor whose time passes when a test says so. Any thread may use `callFromThread`.

    :ivar patience: how many real seconds a call of the kit waits for filters that wait
    :ivar thread: which has opened its server
    :ivar in_call: whether a call of the kit runs, and no work of a thread
    """

    patience = 0.0
    thread = 0
    in_call = False

    @property
    def way_on(self) -> str:
        """What a test does about a filter that waits."""
        return "let time pass with server.advance(seconds)"

    def __init__(self) -> None:
        super().__init__()
        # Of what a module has noted of the time before nothing lies in the future. A whole number: tests add to it.
        self.rightNow = float(int(time.monotonic()) + 1)
        self._from_threads: deque[tuple[Callable[..., object], Any, Any]] = deque()

    def callFromThread(self, call: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        self._from_threads.append((call, args, kwargs))

    def getThreadPool(self) -> "ClockReactor":
        return self

    def callInThreadWithCallback(self, done: Callable[[bool, Any], object], work: Any, *args: Any, **kw: Any) -> None:
        """What ``deferToThread`` asks of a thread pool: here the test's thread does the work, in the next turn."""

        def run() -> None:
            try:
                with self._call(runs=False):
                    result = work(*args, **kw)
            except BaseException:
                done(False, Failure())
            else:
                done(True, result)

        self.callLater(0, run)

    def turn(self) -> bool:
        """Run what is due now; False if nothing was. What that in turn asks for is due in the next turn."""
        called = bool(self._from_threads)
        while self._from_threads:
            call, args, kwargs = self._from_threads.popleft()
            call(*args, **kwargs)
        # Not Clock.advance(0), which for a call that asks for itself again would never end.
        for due in self._due(self.seconds()):
            if due.active():
                called = True
                self.calls.remove(due)
                due.called = 1
                due.func(*due.args, **due.kw)
        return called

    def rest(self, move: Callable[[], bool], until: Callable[[], object] | None = None) -> None:
        """Let everything happen that can happen without time passing.

        :param move: carries what lies between clients and server; whether there was anything
        :param until: what is waited for; here no waiting brings it
        :raises StillWaiting: there is no end to it
        """
        with self._call():
            for _ in range(MAX_TURNS):
                moved = move()
                if not self.turn() and not moved:
                    return
        raise StillWaiting(RESTLESS)

    def wait(self, move: Callable[[], bool], until: Callable[[], object], seconds: float) -> None:
        """Let time pass until something has happened, for so long at most."""
        end = self.seconds() + seconds
        self.rest(move)
        while not until() and self.seconds() < end:
            self.pass_time(0.5, lambda: self.rest(move))

    def pass_time(self, seconds: float, settle: Callable[[], None]) -> None:
        """Let time pass from one timer to the next, with everything settled in between."""
        end = self.seconds() + seconds
        while due := self._due(end + ROUNDING):
            self.rightNow = max(self.rightNow, due[0].getTime())
            settle()
        self.rightNow = max(self.rightNow, end)
        settle()

    def _due(self, until: float) -> list[Any]:
        calls: Any = self.getDelayedCalls()
        return sorted((call for call in calls if call.getTime() <= until), key=lambda call: call.getTime())

    @contextlib.contextmanager
    def in_place_of(self, reactor: Any) -> Iterator[None]:
        """Filters say ``from twisted.internet import reactor``: the one they get keeps this clock's time meanwhile."""
        self.thread = threading.get_ident()
        with process_time(reactor).of(self):
            yield

    @contextlib.contextmanager
    def _call(self, runs: bool = True) -> Iterator[None]:
        before, self.in_call = self.in_call, runs
        try:
            yield
        finally:
            self.in_call = before
