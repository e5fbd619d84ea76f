"""Time, and calls that are still to come."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class DelayedCall(Protocol):
    """A call that is still to come. Twisted's interface, as Zope writes it, has methods that mypy cannot call."""

    def active(self) -> bool: ...
    def cancel(self) -> None: ...
    def getTime(self) -> float: ...
    def reset(self, seconds: float, /) -> None: ...


def called_off(result: T, timer: DelayedCall | None) -> T:
    """For `addBoth` of what is waited for: it is over, so the timer that would end the wait goes, too."""
    if timer is not None and timer.active():
        timer.cancel()
    return result


class Clock(Protocol):
    """The reactor, as what waits and measures knows it."""

    def seconds(self) -> float: ...
    def callLater(self, delay: float, call: Callable[..., object], /, *args: Any, **kwargs: Any) -> DelayedCall: ...
