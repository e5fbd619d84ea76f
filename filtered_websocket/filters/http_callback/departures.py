"""What a backend is yet to be told: that clients have gone. Nobody waits for it.

Rules:

1. Each is told with one id however many attempts there are, in the background, a few at a time.
2. One that fails is told again after 1, 2, 4, ... seconds, `ATTEMPTS` times in all, and not while the backend is known
   to be away, which costs no attempt.
3. So many wait at most. What does not fit, what fails in the end, and what is left when the server stops is counted.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredList

from filtered_websocket.chain.counters import Counters
from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.http_callback.backend import Backend, Headers, Unanswered
from filtered_websocket.filters.http_callback.events import Question

ATTEMPTS = 6
HURRIED_SECONDS = 0.2
"""Between attempts when the server stops."""
AT_ONCE = 8
"""That are told at a time."""
DROPPED = "http_callback: disconnect not told"


class Departures:
    """
    :param backend: gives it as it is now
    :param most: that wait, gives that too
    """

    def __init__(self, reactor: Any, backend: Callable[[], Backend], most: Callable[[], int], counters: Counters):
        self._reactor, self._backend, self._most, self._counters = reactor, backend, most, counters
        self._waiting: deque[tuple[Question, Headers]] = deque()
        self._telling: set[Deferred[Any]] = set()
        self._resting: set[Deferred[Any]] = set()
        self._is_hurried = self._has_stopped = False

    def __len__(self) -> int:
        """That wait, or are being told."""
        return len(self._waiting) + len(self._telling)

    def add(self, question: Question, headers: Headers) -> None:
        if self._has_stopped:
            self._drop("the server stopped")
            return
        if len(self._waiting) >= max(self._most(), 1):
            self._drop("too many wait (http_callback_waiting)")
            return
        self._waiting.append((question, headers))
        if len(self._telling) < AT_ONCE:
            telling = start(self._tell())
            if not telling.called:
                self._telling.add(telling)
                telling.addBoth(lambda _: self._telling.discard(telling))

    async def settle(self, seconds: float) -> None:
        """Tell what waits within so many seconds, and give up what is then left."""
        self._is_hurried = True
        for resting in [*self._resting]:
            resting.cancel()
        if self._telling and seconds > 0:
            over: Deferred[Any] = Deferred()
            all_told = DeferredList([_follow(each) for each in self._telling])
            all_told.addBoth(lambda _: None if over.called else over.callback(None))
            await over.addTimeout(seconds, self._reactor, lambda *_: None)
        self._has_stopped = True
        left = len(self)
        self._waiting.clear()
        for telling in [*self._telling]:
            telling.cancel()
        if left:
            self._drop("the server stopped", left)

    async def _tell(self) -> None:
        while self._waiting:
            question, headers = self._waiting.popleft()
            fault = await self._try(question, headers)
            if fault:
                self._drop(fault)

    async def _try(self, question: Question, headers: Headers) -> str:
        """Why it failed in the end, "" if it did not."""
        attempts = 0
        while True:
            backend = self._backend()
            if wait := backend.breaker.wait:
                await self._rest(wait)
                continue
            attempts += 1
            try:
                answer = await backend.ask(question, headers)
            except Unanswered as error:
                if attempts >= ATTEMPTS and not self._is_hurried:
                    return str(error)
                await self._rest(max(error.seconds if attempts == 1 else 2.0 ** (attempts - 1), 0.01))
                continue
            return "" if answer.status < 400 else f"status {answer.status}"

    async def _rest(self, seconds: float) -> None:
        resting: Deferred[Any] = Deferred(lambda _: call.cancel())
        seconds = min(seconds, HURRIED_SECONDS) if self._is_hurried else seconds
        call = self._reactor.callLater(seconds, resting.callback, None)
        self._resting.add(resting)
        try:
            await resting
        except CancelledError:
            if self._has_stopped or not self._is_hurried:
                raise
        finally:
            self._resting.discard(resting)

    def _drop(self, why: str, count: int = 1) -> None:
        self._counters.count("dropped", DROPPED, why, count)


def _follow(step: Deferred[Any]) -> Deferred[Any]:
    """Fires when the step has, which keeps its own result."""
    over: Deferred[Any] = Deferred()

    def fired(result: Any) -> Any:
        if not over.called:
            over.callback(None)
        return result

    step.addBoth(fired)
    return over
