"""A clock in the place of the reactor: time passes when a test says so."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.task import Clock
from twisted.python.failure import Failure

MAX_TURNS = 10_000
"""Turns without time passing; more than that is a filter that calls itself with ``callLater(0, ...)`` for ever."""


class ClockReactor(Clock):
    """A reactor whose time passes when a test says so. Any thread may use `callFromThread`."""

    def __init__(self) -> None:
        super().__init__()
        self._from_threads: deque[tuple[Callable[..., object], Any, Any]] = deque()

    def callFromThread(self, call: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        self._from_threads.append((call, args, kwargs))

    def getThreadPool(self) -> "ClockReactor":
        return self

    def callInThreadWithCallback(self, done: Callable[[bool, Any], object], work: Any, *args: Any, **kw: Any) -> None:
        """What ``deferToThread`` asks of a thread pool: here the test's thread does the work, in the next turn."""

        def run() -> None:
            try:
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

    def pass_time(self, seconds: float, settle: Callable[[], None]) -> None:
        """Let time pass from one timer to the next, with everything settled in between."""
        end = self.seconds() + seconds
        while due := self._due(end):
            self.rightNow = max(self.rightNow, due[0].getTime())
            settle()
        self.rightNow = end
        settle()

    def _due(self, until: float) -> list[Any]:
        calls: Any = self.getDelayedCalls()
        return sorted((call for call in calls if call.getTime() <= until), key=lambda call: call.getTime())

    @contextlib.contextmanager
    def in_place_of(self, reactor: Any) -> Iterator[None]:
        """Filters say ``from twisted.internet import reactor``: the one they get keeps this clock's time meanwhile."""
        names = ("callLater", "callFromThread", "seconds", "getThreadPool")
        before = {name: vars(reactor)[name] for name in names if name in vars(reactor)}
        for name in names:
            setattr(reactor, name, self._for_this_thread(reactor, name))
        try:
            yield
        finally:
            for name in names:
                delattr(reactor, name)
            vars(reactor).update(before)

    def _for_this_thread(self, reactor: Any, name: str) -> Callable[..., Any]:
        """A reactor that runs meanwhile, in another thread, must not lose its own time."""
        ours, its, thread = getattr(self, name), getattr(reactor, name), threading.get_ident()

        def either(*args: Any, **kwargs: Any) -> Any:
            away = reactor.running and threading.get_ident() != thread
            return (its if away else ours)(*args, **kwargs)

        return either
