"""Deadlines of connections: nearly all are met, so what costs little is to set one and to call it off.

They come at whole seconds, at most one late and never early, and many of them share one timer. (Autobahn's own timers
keep a list for each second, and look through it to call one off: clients that connect and say nothing would make the
handshake of everybody else dear.)
"""

from collections.abc import Callable
from math import ceil

from twisted.logger import Logger

from filtered_websocket.chain.clock import Clock, DelayedCall

_log = Logger()

AT_ONCE = 100
"""Deadlines that are told in one turn of the reactor."""


class Deadline:
    """What is called when the time is over, if it was not called off."""

    __slots__ = ("_due", "call")

    def __init__(self, due: "dict[Deadline, None]", call: Callable[[], object]) -> None:
        self._due, self.call = due, call
        due[self] = None

    def cancel(self) -> None:
        """Call it off; again is fine."""
        self._due.pop(self, None)


class Deadlines:
    """Those of a server."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[int, dict[Deadline, None]] = {}
        self._timers: dict[int, DelayedCall] = {}
        self._ended = self._stopped = False

    def call_later(self, seconds: float, call: Callable[[], object]) -> Deadline:
        """Call this when so many seconds are over."""
        if self._stopped:
            return Deadline({}, call)
        now = self._clock.seconds()
        at = ceil(now if self._ended else now + seconds)
        due = self._due.get(at)
        if due is None:
            due = self._due[at] = {}
            self._timers[at] = self._clock.callLater(0 if self._ended else at - now, self._tell, at)
        return Deadline(due, call)

    def stop(self) -> None:
        """Tell none of them any more, nor any that is set later."""
        self._stopped = True
        self._forget()

    def _forget(self) -> None:
        for timer in self._timers.values():
            if timer.active():  # not that in which this is called
                timer.cancel()
        for due in self._due.values():
            due.clear()
        self._timers.clear()
        self._due.clear()

    def end(self) -> None:
        """Time is over: tell all of them now, and those of later at once: what they end does not outlive this."""
        self._ended = True
        due = [deadline for each in self._due.values() for deadline in each]
        self._forget()
        for deadline in due:
            self._call(deadline)

    def _tell(self, at: int) -> None:
        due = self._due[at]
        for _ in range(AT_ONCE):
            deadline = next(iter(due), None)
            if deadline is None:
                break
            deadline.cancel()
            self._call(deadline)
        if self._due.get(at) is not due:
            return  # what was called has ended all
        if due:
            self._timers[at] = self._clock.callLater(0, self._tell, at)
        else:
            del self._due[at], self._timers[at]

    @staticmethod
    def _call(deadline: Deadline) -> None:
        try:
            deadline.call()
        except Exception:
            _log.failure("what was to end a connection failed")
