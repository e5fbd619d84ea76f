"""A deadline, until it is set anew."""

from collections.abc import Callable

from filtered_websocket.chain.clock import Clock, DelayedCall


class Deadline:
    """One deadline at a time. Only while it is set it refers to what it calls: an owner that has ended is not kept."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._call: DelayedCall | None = None

    def set(self, seconds: float, passed: Callable[[], object]) -> None:
        """Call something when this time is over, and not what was set before."""
        self.stop()
        self._call = self._clock.callLater(seconds, self._look_once_more, passed)

    def _look_once_more(self, passed: Callable[[], object]) -> None:
        # What has come while the reactor was held is read before it is judged.
        self._call = self._clock.callLater(0, self._is_over, passed)

    def _is_over(self, passed: Callable[[], object]) -> None:
        self._call = None
        passed()

    def stop(self) -> None:
        """Set none."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
