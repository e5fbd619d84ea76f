"""What this node has asked others and was not yet answered."""

from collections.abc import Callable
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.chain.clock import Clock, DelayedCall
from filtered_websocket.errors import StorageAway


class PendingRequests:
    """
    :param closed: called with the number of each request that is over, however it ended
    """

    def __init__(self, clock: Clock, closed: Callable[[int], None]) -> None:
        self._clock, self._closed = clock, closed
        self._numbers = count(1)
        self._answers: dict[int, Deferred[Any]] = {}
        self._timers: dict[int, DelayedCall] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._answers

    def new(self, cancelled: Callable[[int], object] = lambda number: None) -> tuple[int, Deferred[Any]]:
        """Begin a request: its number, and what fires with its answer.

        :param cancelled: called when the answer is not wanted any more
        """
        number = next(self._numbers)

        def cancel(answer: Deferred[Any]) -> None:
            self._close(number)
            cancelled(number)

        answer: Deferred[Any] = Deferred(cancel)
        self._answers[number] = answer
        return number, answer

    def expect(self, number: int, seconds: float) -> None:
        """From now on the answer has this time. Then it is None."""
        if number in self._timers:
            self._timers.pop(number).cancel()
        self._timers[number] = self._clock.callLater(seconds, self.answer, number, None)

    def answer(self, number: int, answer: Any) -> None:
        """An answer has come; one that nobody waits for any more is fine."""
        asked = self._close(number)
        if asked is not None:
            asked.callback(answer)

    def fail(self, failure: Failure | Exception, number: int) -> None:
        """The request could not be sent."""
        asked = self._close(number)
        if asked is not None:
            asked.errback(failure)

    def _close(self, number: int) -> Deferred[Any] | None:
        timer = self._timers.pop(number, None)
        if timer is not None and timer.active():
            timer.cancel()
        asked = self._answers.pop(number, None)
        self._closed(number)
        return asked

    def stop(self) -> None:
        """Nobody will answer any more."""
        for number in tuple(self._answers):
            self.fail(StorageAway("the server stops: it is unknown whether another node has done it"), number)
