"""Which events are told to which URLs: a queue for each URL of each app, and how much an app may have in them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, DeferredList, DeferredSemaphore

from filtered_websocket.chain import about
from filtered_websocket.chain.counters import Counters
from filtered_websocket.filters.shared.webhooks.posts import MAX_WAITING_IN_ALL, Posts, Request
from filtered_websocket.filters.shared.webhooks.queue import Queue, Render, Waiting
from filtered_websocket.filters.shared.webhooks.urls import MAX_HOOKS

MAX_POSTS_OF_APP = 10
"""Posts of one app under way at one time."""
MAX_WAITING_BYTES = 16 * 1024 * 1024
"""Bytes of events that wait for the URLs of one app; what waits for several counts once."""


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
        app.add([urls] if isinstance(urls, str) else urls, Waiting(event, size, about.trace()), render, most)

    async def finish(self, seconds: float) -> list[Left]:
        """Tell what waits within so many seconds, and give up what is then left. What waits to be tried again is tried
        now."""
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

    # What apps need.

    def done(self, app: "_App") -> None:
        """Nothing waits for an app any more."""
        self._apps.pop(app.ident, None)

    def dropped(self, reason: str, detail: str) -> None:
        """Count an event that is never told."""
        self.counters.count("dropped", f"web hook: {reason}", detail)

    def later(self, seconds: float) -> Deferred[Any]:
        waited: Deferred[Any] = Deferred(lambda _: call.cancel())
        call = self.reactor.callLater(seconds, waited.callback, None)
        return waited

    async def post(self, url: str, request: Request) -> int:
        """The status of the answer to one request."""
        return await self.posts.post(self.reactor, url, request, self.private)


class _App:
    """One app's queues, while anything waits in them."""

    def __init__(self, hooks: Webhooks, ident: str) -> None:
        self.hooks, self.ident = hooks, ident
        self.dropped, self.later, self.post = hooks.dropped, hooks.later, hooks.post
        self.slots = DeferredSemaphore(MAX_POSTS_OF_APP)
        self._queues: dict[str, Queue] = {}
        self._bytes = 0

    def hurry(self) -> None:
        for queue in self._queues.values():
            queue.hurry()

    def told(self) -> list[Deferred[None]]:
        return [queue.told() for queue in self._queues.values()]

    def add(self, urls: Sequence[str], waiting: Waiting, render: Render, most: int) -> None:
        posts = self.hooks.posts
        if max(self._bytes + waiting.size - MAX_WAITING_BYTES, posts.waiting + waiting.size - MAX_WAITING_IN_ALL) > 0:
            self.dropped("too much waits", self.ident)
            return
        for url in urls:
            known = self._queues.get(url)
            if known is None:
                if len(self._queues) >= MAX_HOOKS:
                    self.dropped("too many hooks", self.ident)
                    continue
                known = self._queues[url] = Queue(self, url, render, most)
            known.add(waiting)
        self._hold(waiting.size if waiting.places else 0)

    def free(self, waiting: Waiting) -> None:
        """An event waits for one URL less."""
        waiting.places -= 1
        if not waiting.places:
            self._hold(-waiting.size)

    def _hold(self, size: int) -> None:
        self._bytes += size
        self.hooks.posts.waiting += size

    def done(self, queue: Queue) -> None:
        self._queues.pop(queue.url, None)
        if not self._queues:
            self.hooks.done(self)

    def stop(self) -> list[Left]:
        """End all; what was not told."""
        self._hold(-self._bytes)
        left = [(queue, queue.stop()) for queue in list(self._queues.values())]
        return [Left(self.ident, queue.url, events) for queue, events in left if events]
