"""Web hooks: URLs that get the events of a channel, and those of a user's channels by the name of the personal one."""

from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from filtered_websocket.chain.clock import Clock
from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.storage import Storage
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.pushi import keys, wire
from filtered_websocket.filters.pushi.apps import App
from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.filters.shared.webhooks.destinations import Webhooks
from filtered_websocket.filters.shared.webhooks.posts import Request
from filtered_websocket.filters.shared.webhooks.queue import Render
from filtered_websocket.messages.strict_json import loads

LOOK_SECONDS = 1.0
"""How long this process may not know of a hook that another one has registered."""

Web = dict[str, Any]


class Webs:
    """The web hooks of all apps, as this process knows them: looked at for every event, so they are kept at hand."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage, self._clock = storage, clock
        self._known: dict[str, tuple[float, list[Web]]] = {}

    async def of(self, app: App) -> list[Web]:
        """As the storage object has them."""
        stored = await self._storage.fields(keys.webs(app))
        webs = [loads(value) for value in stored.values()]
        self._known[app.id] = (self._clock.seconds(), webs)
        return webs

    def known(self, app: App) -> list[Web] | None:
        """As this process knows them, None if that is nothing or too old."""
        looked, webs = self._known.get(app.id, (0.0, None))
        if self._storage.shared and self._clock.seconds() - looked > LOOK_SECONDS:
            return None
        return webs

    async def add(self, app: App, web: Web) -> None:
        await self._storage.put(keys.webs(app), _field(web), wire.dumps(web), only_new=True)
        self._known.pop(app.id, None)

    async def remove(self, app: App, web: Web) -> None:
        await self._storage.delete(keys.webs(app), _field(web))
        self._known.pop(app.id, None)


def _field(web: Web) -> str:
    return wire.dumps([web["url"], web["event"]])


class Pack(Protocol):
    """The pack's state of one pipeline, as hooks know it."""

    @property
    def pipeline(self) -> Pipeline: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def webs(self) -> Webs: ...
    @property
    def webhooks(self) -> Webhooks: ...
    def under_way(self, step: Deferred[Any]) -> None: ...


def tell(state: Pack, app: App, channel: str, packet: str) -> None:
    """Tell the hooks of a channel, some time. Their failures do not matter here."""
    webs = state.webs.known(app)
    if webs is not None and not webs:
        return
    found: Deferred[Any] = start(_urls(state, app, channel, webs))
    found.addCallback(lambda urls: post(state, app, urls, packet))
    found.addErrback(_not_found, state, app)
    state.under_way(found)


def _not_found(failure: Failure, state: Pack, app: App) -> None:
    failure.trap(StorageAway)
    state.webhooks.dropped("the storage is away", app.id)


def post(state: Pack, app: App, urls: list[str], packet: str) -> None:
    """Post a packet to these hooks of an app."""
    if urls:
        render = renderer(app, state.pipeline.options.pushi_sign_webhooks)
        state.webhooks.tell(urls, packet, render, app.id, size=len(packet))


async def _urls(state: Pack, app: App, channel: str, webs: list[Web] | None) -> list[str]:
    """Once each."""
    webs = await state.webs.of(app) if webs is None else webs
    names = {channel}
    if any(web["event"].startswith("personal-") for web in webs):
        users = await state.storage.get(keys.subscribers(app, channel)) or ()
        names.update(f"personal-{user}" for user in users)
    return list(dict.fromkeys(web["url"] for web in webs if web["event"] in names))


def renderer(app: App, signed: bool) -> Render:
    """Makes an app's requests."""

    def render(events: list[Any]) -> Request:
        (body,) = events
        headers = [("Content-Type", "application/json")]
        if signed:
            headers += [("X-Pushi-Key", app.key), ("X-Pushi-Signature", sign(app.secret, body))]
        return body.encode(), headers

    return render
