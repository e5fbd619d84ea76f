"""The time of a process in which servers of the kit are open: that of their clocks.

Filters say ``from twisted.internet import reactor`` and ``time.monotonic()``, and get a clock of the kit. Rules:

1. So it is in the thread that has opened the server. Others have their own time.
2. Of several clocks it is that of the server whose call runs; between calls that of the newest.
3. ``time.monotonic()`` is the clock's for what runs inside a call of the kit, and for this package. A test that waits
   there with a deadline needs one that comes; so do asyncio's loops, and what else of Python's library waits.
4. All have one stand-in, which ends with the last: servers may be closed in any order.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from twisted.python.threadable import isInIOThread

_NAME = "testing_time"
_OURS = __name__.partition(".")[0]


class Clock(Protocol):
    """
    :ivar thread: which has opened its server
    :ivar in_call: whether a call of the kit runs
    """

    thread: int
    in_call: bool

    def seconds(self) -> float: ...


class ProcessTime:
    """What stands in place of a reactor's time and of ``time.monotonic`` while servers are open."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._clocks: list[Clock] = []
        self._real = time.monotonic
        self._shared: Any = None
        self._until_end = contextlib.ExitStack()
        names = ("callLater", "callFromThread", "seconds", "getThreadPool")
        given = {name: self._of_clock(name) for name in names}
        self._until_end.enter_context(put_into(reactor, {**given, "_asyncioEventloop": None, _NAME: self}))
        self._until_end.enter_context(put_into(time, {"monotonic": self._monotonic}))

    @contextlib.contextmanager
    def of(self, clock: Clock) -> Iterator[None]:
        """Have the time of a clock meanwhile."""
        self._clocks.append(clock)
        try:
            yield
        finally:
            self._clocks.remove(clock)
            if not self._clocks:
                self._until_end.close()

    def shared(self, made: contextlib.AbstractContextManager[Any]) -> Any:
        """What all servers that are open together have, until the last of them is closed.

        :param made: makes it, where it is not there yet
        """
        if self._shared is None:
            self._shared = self._until_end.enter_context(made)
        return self._shared

    def _clock(self) -> Clock | None:
        here = threading.get_ident()
        ours = [each for each in reversed(self._clocks) if each.thread == here]
        return next((each for each in ours if each.in_call), ours[0] if ours else None)

    def _monotonic(self) -> float:
        clock = self._clock()
        if clock is None:
            return self._real()
        caller = sys._getframe(1).f_globals.get("__name__", "").partition(".")[0]
        is_filters = clock.in_call and caller not in sys.stdlib_module_names
        return clock.seconds() if caller == _OURS or is_filters else self._real()

    def _of_clock(self, name: str) -> Callable[..., Any]:
        its = getattr(self._reactor, name)

        def either(*args: Any, **kwargs: Any) -> Any:
            clock = self._clock()
            if self._reactor.running and clock is not None and not clock.in_call and isInIOThread():
                clock = None  # it runs this very test, which waits for it, as with pytest-twisted
            elif not self._reactor.running and clock is None and self._clocks:
                clock = self._clocks[-1]  # from a thread of the test's
            return (its if clock is None else getattr(clock, name))(*args, **kwargs)

        return either


def process_time(reactor: Any) -> ProcessTime:
    """That of the servers that are open, or a new one."""
    found: ProcessTime | None = vars(reactor).get(_NAME)
    return ProcessTime(reactor) if found is None else found


@contextlib.contextmanager
def put_into(place: Any, given: dict[str, Any]) -> Iterator[None]:
    """Give an object these attributes meanwhile."""
    before = {name: vars(place)[name] for name in given if name in vars(place)}
    for name, value in given.items():
        setattr(place, name, value)
    try:
        yield
    finally:
        for name in given:
            delattr(place, name)
        for name, value in before.items():
            setattr(place, name, value)
