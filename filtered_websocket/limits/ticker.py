"""A call every second, or more often, for what judges clients by time.

A period in which the reactor was held is left out. What clients did in it is yet to be read, and what was to be sent to
them in it is yet to go. Two in a row are not left out, so that a process that is always late still ends connections
that are gone.
"""

from collections.abc import Callable
from typing import cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from filtered_websocket.chain.clock import Clock, DelayedCall

LATE = 0.5
"""Seconds that a tick comes too late: the reactor was held."""


class Ticker:
    """
    :param call: called when what has arrived was read
    :param period: seconds
    """

    def __init__(self, clock: Clock, call: Callable[[], object], period: float = 1.0) -> None:
        self._clock, self._call, self._period = clock, call, period
        self._last = 0.0
        self._left_out = False
        self._next: DelayedCall | None = None
        self._loop = LoopingCall(self._tick)
        self._loop.clock = cast("IReactorTime", clock)

    def start(self) -> None:
        self._last = self._clock.seconds()
        self._loop.start(self._period, now=False)

    def stop(self) -> None:
        if self._loop.running:
            self._loop.stop()
        if self._next is not None and self._next.active():
            self._next.cancel()

    def _tick(self) -> None:
        now = self._clock.seconds()
        late, self._last = now - self._last > self._period + LATE, now
        self._left_out = late and not self._left_out
        if not self._left_out:
            # Timers run before the sockets are read; what they set runs behind that.
            self._next = self._clock.callLater(0, self._call)
