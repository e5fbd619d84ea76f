"""A backend that fails is left in peace for a while, and then asked once before it is asked by all again.

Rules:

1. So many failures in a row open it: nobody is asked. One success in between, and the count begins anew.
2. After a while, which varies, so that several nodes do not ask at once, one question is let through. Its answer closes
   it; its failure opens it again, for twice as long. One that was given up says nothing: the next is let through.
3. What was asked before it opened, or closed, says nothing of it afterwards.
"""

import random
from collections.abc import Callable

LONGEST_PAUSE = 30.0
"""Seconds; where the first pause is longer, that."""


class Open(Exception):  # noqa: N818 - what it is
    """
    :ivar seconds: until it is asked again
    """

    def __init__(self, seconds: float) -> None:
        super().__init__("the backend is away")
        self.seconds = seconds


class Breaker:
    """
    :param seconds: a clock
    :param most: failures in a row that open it; 0: it never opens
    :param pause: seconds that it is open the first time
    :param changed: called when it has opened, with why and how long, and with nothing when it has closed
    :ivar is_open: nobody, or one, is asked
    """

    def __init__(
        self, seconds: Callable[[], float], most: int, pause: float, changed: Callable[[str, float], object]
    ) -> None:
        self._seconds, self._most, self._first, self._changed = seconds, most, pause, changed
        self.is_open = False
        self._row = 0
        self._era = 0
        self._pause = pause
        self._until = 0.0
        self._probe: Try | None = None

    @property
    def wait(self) -> float:
        """Seconds until something may be asked; 0: it may be now."""
        if not self.is_open:
            return 0.0
        left = self._until - self._seconds()
        return max(left, self._first if self._probe is not None else 0.0, 0.0)

    def enter(self) -> "Try":
        """Ask something; what becomes of it is told to what is given.

        :raises Open: it is not to be asked now
        """
        if self.wait:
            raise Open(self.wait)
        attempt = Try(self, self._era)
        if self.is_open:
            self._probe = attempt
        return attempt

    def over(self, attempt: "Try", fault: str | None) -> None:
        """
        :param fault: why it failed; "" for an answer; None: it was given up
        """
        if attempt is self._probe:
            self._probe = None
        if fault is None or attempt.era != self._era or not self._most:
            return
        if self.is_open:
            if fault:
                self._pause = min(self._pause * 2, max(LONGEST_PAUSE, self._first))
                self._begin_pause()
            else:
                self.is_open, self._row, self._pause = False, 0, self._first
                self._era += 1
                self._changed("", 0.0)
        elif not fault:
            self._row = 0
        else:
            self._row += 1
            if self._row >= self._most:
                self.is_open = True
                self._era += 1
                self._changed(fault, self._begin_pause())

    def _begin_pause(self) -> float:
        seconds = self._pause * random.uniform(0.5, 1.0)  # noqa: S311 - nobody gains by a guess
        self._until = self._seconds() + seconds
        return seconds


class Try:
    """One question; told once what became of it."""

    __slots__ = ("_breaker", "era")

    def __init__(self, breaker: Breaker, era: int) -> None:
        self._breaker: Breaker | None = breaker
        self.era = era

    def over(self, fault: str | None) -> None:
        """
        :param fault: why it failed; "" for an answer; None: it was given up
        """
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker.over(self, fault)
