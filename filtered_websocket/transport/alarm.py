"""A descriptor that epoll reports at a set time: Linux's timerfd, timerfd_create(2).

An epoll_wait that is to end at the next timer sets a timer in the kernel, and takes it back when something comes first.
An alarm stays set: 2 % of a fan-out to ten.
"""

import os
import time
from select import EPOLLET, EPOLLIN
from typing import Any

try:
    import ctypes
except ImportError:  # a Python that was built without libffi
    ctypes = None  # type: ignore[assignment]

_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC
_ABSOLUTE = 1
_BILLION = 1_000_000_000


class Alarm:
    """Rings once, at the time that was set last. `os` has such descriptors from Python 3.13 on: until then by `ctypes`.

    :ivar at: that time in seconds, as `time.monotonic` counts them; 0 before the first
    """

    __slots__ = ("_fd", "_set", "at")

    @classmethod
    def of(cls, poller: Any) -> "Alarm | None":
        """One that this epoll object tells of, once each time that it rings; None where there is no such thing."""
        try:
            alarm = cls()
        except OSError:
            return None
        poller.register(alarm.fileno(), EPOLLIN | EPOLLET)
        return alarm

    def __init__(self) -> None:
        """
        :raises OSError: there is no room for another descriptor, or no such thing
        """
        if ctypes is None:
            raise OSError("this Python has no ctypes")
        libc = ctypes.CDLL(None, use_errno=True)
        self.at = 0.0
        self._set = libc.timerfd_settime
        self._fd: int = libc.timerfd_create(time.CLOCK_MONOTONIC, _FLAGS)
        if self._fd < 0:
            raise _error()

    def fileno(self) -> int:
        """What can be read from once it has rung, until it is set again."""
        return self._fd

    def set(self, at: float) -> None:
        """Ring at this time, and not at the one before.

        :raises OSError: the descriptor is closed
        """
        # A microsecond late: a float of seconds is rounded, and what rings once, and too early, leaves a timer waiting.
        seconds, rest = divmod(int(at * _BILLION) + 1000, _BILLION)
        # struct itimerspec: the interval, then the first time.
        if self._set(self._fd, _ABSOLUTE, (ctypes.c_long * 4)(0, 0, seconds, rest), None):
            raise _error()
        self.at = at

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
