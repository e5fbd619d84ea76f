"""What waits for one URL, told in its order, and tried again when that fails."""

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.request import TraceParent
from filtered_websocket.filters.shared.public_addresses import Forbidden
from filtered_websocket.filters.shared.webhooks.posts import Request

ATTEMPTS = 6
HURRIED_SECONDS = 0.5
"""Between attempts when the server stops."""
MAX_WAITING = 1000
"""Events that wait for one URL."""

Render = Callable[[list[Any]], Request]
"""Makes the request that tells of some events."""


class Waiting:
    """An event, for how many destinations it waits, and of which trace it is."""

    __slots__ = ("event", "places", "size", "trace")

    def __init__(self, event: Any, size: int, trace: TraceParent | None = None) -> None:
        self.event, self.size, self.places, self.trace = event, size, 0, trace


class App(Protocol):
    """The app whose hook it is, as its queues know it."""

    slots: DeferredSemaphore

    def free(self, waiting: Waiting) -> None:
        """An event waits for one URL less."""

    def done(self, queue: "Queue") -> None:
        """Nothing waits in a queue any more."""

    def dropped(self, reason: str, detail: str) -> None:
        """Count an event that is never told."""

    def later(self, seconds: float) -> Deferred[Any]: ...
    async def post(self, url: str, request: Request) -> int:
        """The status of the answer to one request."""


class Queue:
    """What waits for one URL of an app."""

    def __init__(self, app: App, url: str, render: Render, most: int) -> None:
        self._app, self.url, self._render, self._most = app, url, render, most
        self._waiting: deque[Waiting] = deque()
        self._posted: list[Waiting] = []
        self._telling: Deferred[Any] | None = None
        self._over: list[Deferred[None]] = []
        self._resting: Deferred[Any] | None = None
        self._hurried = self._stopped = False

    def add(self, waiting: Waiting) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self._app.dropped("too many wait", self._host)
            return
        waiting.places += 1
        self._waiting.append(waiting)
        if self._telling is None:
            # Not at once: what happens in one turn of the reactor is told together.
            telling = self._telling = start(self._tell())
            telling.addErrback(lambda _: None)

    def hurry(self) -> None:
        """Try again now, and from now on soon: there is not much time."""
        self._hurried = True
        if self._resting is not None:
            self._resting.cancel()

    def told(self) -> Deferred[None]:
        """Fires when nothing waits any more."""
        over: Deferred[None] = Deferred(self._over.remove)
        self._over.append(over)
        return over

    def stop(self) -> list[Any]:
        """End; what was not told, or was being told and may not have arrived."""
        left = [*self._posted, *self._waiting]
        self._waiting.clear()
        self._stopped = True
        if self._telling is not None:
            self._telling.cancel()
        return [waiting.event for waiting in left]

    @property
    def _host(self) -> str:
        # Paths and queries of hooks are often secrets.
        return urlsplit(self.url).hostname or ""

    async def _tell(self) -> None:
        try:
            await self._app.later(0)
            while self._waiting:
                posted = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
                self._posted = posted
                # One request is of one trace: that of the first that has one.
                trace = next((waiting.trace for waiting in posted if waiting.trace is not None), None)
                fault = await self._try(self._render([waiting.event for waiting in posted]), trace)
                self._posted = []
                for waiting in posted:
                    self._app.free(waiting)
                if fault:
                    self._app.dropped(fault, self._host)
        finally:
            self._telling = None
            self._app.done(self)
            over, self._over = self._over, []
            for each in over:
                each.callback(None)

    async def _try(self, request: Request, trace: TraceParent | None) -> str:
        """Why it failed in the end, "" if it did not."""
        fault, attempts = "", 0
        # At a stop until there is no more time: what is left then is not lost yet.
        while attempts < ATTEMPTS or self._hurried:
            if attempts:
                await self._rest(2.0 ** min(attempts - 1, ATTEMPTS))
            attempts += 1
            await self._app.slots.acquire()
            try:
                status = await self._app.post(self.url, _traced(request, trace))
            except Forbidden as error:
                return str(error)
            except Exception as error:
                if self._stopped:
                    raise
                fault = type(error).__name__
                continue
            finally:
                self._app.slots.release()
            if 200 <= status < 300:
                return ""
            fault = f"status {status // 100}xx"
        return fault

    async def _rest(self, seconds: float) -> None:
        self._resting = self._app.later(min(seconds, HURRIED_SECONDS) if self._hurried else seconds)
        try:
            await self._resting
        except CancelledError:
            if self._stopped or not self._hurried:
                raise
        finally:
            self._resting = None


def _traced(request: Request, trace: TraceParent | None) -> Request:
    """Each attempt is a span of its own."""
    body, headers = request
    return request if trace is None else (body, [*headers, ("traceparent", trace.child())])
