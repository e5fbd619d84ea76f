"""What is to be told to whom: a queue for each URL of each app, and what an app may have in them."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from twisted.internet.defer import CancelledError, Deferred, DeferredList, DeferredSemaphore

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Counters
from filtered_websocket.filters.shared.public_addresses import Forbidden
from filtered_websocket.filters.shared.webhooks.posts import MAX_WAITING_IN_ALL, Posts, Request

ATTEMPTS = 6
HURRIED_SECONDS = 0.5
"""Between attempts when the server stops."""
MAX_HOOKS = 1000
"""URLs that one app may have, however it came to them."""
MAX_POSTS_OF_APP = 10
"""Posts of one app under way at one time."""
MAX_WAITING = 1000
"""Events that wait for one URL."""
MAX_WAITING_BYTES = 16 * 1024 * 1024
"""Bytes of events that wait for the URLs of one app; what waits for several counts once."""

Render = Callable[[list[Any]], Request]
"""Makes the request that tells of some events."""


def check_url(url: object) -> str:
    """A hook's URL.

    :raises ValueError: it is none
    """
    if not isinstance(url, str) or len(url) > 2048 or any(not "!" <= each <= "~" for each in url):
        raise ValueError("a web hook's URL is wanted, in printable ASCII")
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or "@" in parts.netloc:
        raise ValueError("a web hook's URL is wanted: http or https, a host, and no credentials")
    return url


def check_hooks(urls: Sequence[object]) -> tuple[str, ...]:
    """The URLs of an app, each once.

    :raises ValueError: one is none, or they are too many
    """
    if len(urls) > MAX_HOOKS:
        raise ValueError(f"an app may have {MAX_HOOKS} web hooks")
    return tuple(dict.fromkeys(map(check_url, urls)))


class Left(NamedTuple):
    """What was not told when the server stopped: an app, one of its URLs, and events in their order."""

    app: str
    url: str
    events: list[Any]


class Webhooks:
    """The hooks of one pack in one pipeline.

    :param counters: counts what is dropped
    :param private: whether hooks may go to addresses that are not public
    :param posts: those under way, which all share
    """

    def __init__(self, reactor: Any, counters: Counters, private: bool, posts: Posts | None = None) -> None:
        self.reactor, self.counters, self.private = reactor, counters, private
        self.posts = posts or Posts()
        self._apps: dict[str, _App] = {}
        self._finished = False

    def tell(
        self, urls: str | Sequence[str], event: Any, render: Render, of: str = "", *, most: int = 1, size: int = 0
    ) -> None:
        """Tell of an event, some time.

        :param of: the app whose hooks they are; hooks to one URL of different apps are different destinations
        :param most: events that one request may tell of
        :param size: bytes of the event, as far as it can be large
        """
        if self._finished:
            self.dropped("the server stopped", of)
            return
        app = self._apps.get(of)
        if app is None:
            app = self._apps[of] = _App(self, of)
        app.add([urls] if isinstance(urls, str) else urls, _Waiting(event, size), render, most)

    async def finish(self, seconds: float) -> list[Left]:
        """Tell what waits within so many seconds, and give up what is then left: nobody tells it here any more. What
        waits to be tried again is tried now."""
        for app in self._apps.values():
            app.hurry()
        told = [each for app in self._apps.values() for each in app.told()]
        if told and seconds > 0:
            await DeferredList(told, consumeErrors=True).addTimeout(seconds, self.reactor, lambda *_: None)
        self._finished = True
        return [left for app in list(self._apps.values()) for left in app.stop()]

    def stop(self) -> None:
        """Give up what waits."""
        for app in list(self._apps.values()):
            app.stop()

    # What an app and its destinations need.

    def done(self, app: "_App") -> None:
        self._apps.pop(app.ident, None)

    def dropped(self, reason: str, detail: str) -> None:
        self.counters.count("dropped", f"web hook: {reason}", detail)

    def later(self, seconds: float) -> Deferred[Any]:
        waited: Deferred[Any] = Deferred(lambda _: call.cancel())
        call = self.reactor.callLater(seconds, waited.callback, None)
        return waited

    async def post(self, url: str, request: Request) -> int:
        """The status of the answer to one request."""
        return await self.posts.post(self.reactor, url, request, self.private)


class _Waiting:
    """An event, and for how many destinations it waits."""

    __slots__ = ("event", "places", "size")

    def __init__(self, event: Any, size: int) -> None:
        self.event, self.size, self.places = event, size, 0


class _App:
    """One app's destinations, while anything waits for them."""

    def __init__(self, hooks: Webhooks, ident: str) -> None:
        self.hooks, self.ident = hooks, ident
        self.slots = DeferredSemaphore(MAX_POSTS_OF_APP)
        self._destinations: dict[str, _Destination] = {}
        self._bytes = 0

    def hurry(self) -> None:
        for destination in self._destinations.values():
            destination.hurry()

    def told(self) -> list[Deferred[None]]:
        return [destination.told() for destination in self._destinations.values()]

    def add(self, urls: Sequence[str], waiting: _Waiting, render: Render, most: int) -> None:
        posts = self.hooks.posts
        if max(self._bytes + waiting.size - MAX_WAITING_BYTES, posts.waiting + waiting.size - MAX_WAITING_IN_ALL) > 0:
            self.hooks.dropped("too much waits", self.ident)
            return
        for url in urls:
            known = self._destinations.get(url)
            if known is None:
                if len(self._destinations) >= MAX_HOOKS:
                    self.hooks.dropped("too many hooks", self.ident)
                    continue
                known = self._destinations[url] = _Destination(self, url, render, most)
            known.add(waiting)
        self._hold(waiting.size if waiting.places else 0)

    def free(self, waiting: _Waiting) -> None:
        """An event waits for one destination less."""
        waiting.places -= 1
        if not waiting.places:
            self._hold(-waiting.size)

    def _hold(self, size: int) -> None:
        self._bytes += size
        self.hooks.posts.waiting += size

    def done(self, destination: "_Destination") -> None:
        self._destinations.pop(destination.url, None)
        if not self._destinations:
            self.hooks.done(self)

    def stop(self) -> list[Left]:
        """End all; what was not told."""
        self._hold(-self._bytes)
        left = [(destination, destination.stop()) for destination in list(self._destinations.values())]
        return [Left(self.ident, destination.url, events) for destination, events in left if events]


class _Destination:
    """One URL, and what is to be told to it."""

    def __init__(self, app: _App, url: str, render: Render, most: int) -> None:
        self._app, self.url, self._render, self._most = app, url, render, most
        self._waiting: deque[_Waiting] = deque()
        self._posted: list[_Waiting] = []
        self._telling: Deferred[Any] | None = None
        self._over: list[Deferred[None]] = []
        self._resting: Deferred[Any] | None = None
        self._hurried = self._stopped = False

    def add(self, waiting: _Waiting) -> None:
        if len(self._waiting) >= MAX_WAITING:
            self._app.hooks.dropped("too many wait", self._host)
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
        hooks = self._app.hooks
        try:
            await hooks.later(0)
            while self._waiting:
                posted = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
                self._posted = posted
                fault = await self._try(self._render([waiting.event for waiting in posted]))
                self._posted = []
                for waiting in posted:
                    self._app.free(waiting)
                if fault:
                    hooks.dropped(fault, self._host)
        finally:
            self._telling = None
            self._app.done(self)
            over, self._over = self._over, []
            for each in over:
                each.callback(None)

    async def _try(self, request: Request) -> str:
        """Why it failed in the end, "" if it did not."""
        fault, attempts, hooks = "", 0, self._app.hooks
        # At a stop until there is no more time: what is left then is not lost yet.
        while attempts < ATTEMPTS or self._hurried:
            if attempts:
                await self._rest(2.0 ** min(attempts - 1, ATTEMPTS))
            attempts += 1
            await self._app.slots.acquire()
            try:
                status = await hooks.post(self.url, request)
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
        self._resting = self._app.hooks.later(min(seconds, HURRIED_SECONDS) if self._hurried else seconds)
        try:
            await self._resting
        except CancelledError:
            if self._stopped or not self._hurried:
                raise
        finally:
            self._resting = None
