"""Time, and calls that are still to come."""

from collections.abc import Callable
from typing import Any, Protocol


class DelayedCall(Protocol):
    """A call that is still to come. Twisted's interface, as Zope writes it, has methods that mypy cannot call."""

    def active(self) -> bool: ...
    def cancel(self) -> None: ...
    def getTime(self) -> float: ...
    def reset(self, seconds: float, /) -> None: ...


class Clock(Protocol):
    """The reactor, as what waits and measures knows it."""

    def seconds(self) -> float: ...
    def callLater(self, delay: float, call: Callable[..., object], /, *args: Any, **kwargs: Any) -> DelayedCall: ...
