"""Members that have left, and channels that have lost their last subscriber: told to web hooks after a while, and not
at all when they are back by then, on whichever node. A page that is reloaded leaves and comes back.

Clients hear of both at once: this is for web hooks only.
"""

import json
from typing import Any, Protocol

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import deferLater

from filtered_websocket.chain.clock import DelayedCall
from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.storage import Storage
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.pusher.apps import App
from filtered_websocket.filters.pusher.keys import key_of
from filtered_websocket.filters.shared.webhooks.owed import Owed

MAX_WAITING = 10_000
"""Departures that wait, of all apps; what is beyond is told at once. Clients invent channels."""
LAST_SECONDS = 0.5
"""How long the storage object has at least to say whether a member is back."""

Event = dict[str, str]

LEFT = {"member_added": "member_removed", "channel_occupied": "channel_vacated"}
"""What an event takes back that is not told yet."""


class Pack(Protocol):
    """The pack's state of one pipeline, as departures know it."""

    @property
    def pipeline(self) -> Pipeline: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def reactor(self) -> Any: ...
    def tell(self, app: App, event: Event, *urls: str) -> None: ...
    def under_way(self, step: Deferred[Any]) -> None: ...


class Departures:
    """
    :param state: the pack's, of one pipeline
    :param owed: where those are kept that are not told yet
    """

    def __init__(self, state: Pack, owed: Owed) -> None:
        self._state, self._owed = state, owed
        self._calls: dict[str, tuple[DelayedCall, App, Event]] = {}
        self._apart: set[str] = set()  # those that the storage object did not take
        self._telling: set[Deferred[Any]] = set()

    def left(self, app: App, event: Event) -> None:
        """A member or a last subscriber is gone: tell it, unless one is back within `pusher_webhook_delay`."""
        seconds = self._state.pipeline.options.pusher_webhook_delay
        if not app.webhooks or not seconds or len(self._calls) >= MAX_WAITING:
            self._state.tell(app, event)
            return
        field = field_of(app, event)
        self._forget(field)
        self._apart.discard(field)
        call = self._state.reactor.callLater(seconds, self._due, field, app, event)
        self._calls[field] = call, app, event
        kept = self._owed.keep(field, {"app": app.id, "events": [event]}, seconds)
        self._state.under_way(kept.addErrback(self._not_kept, field))

    def came(self, app: App, event: Event) -> None:
        """A member or a first subscriber is there: tell it, unless hooks have not been told yet that it was gone."""
        if not app.webhooks or not self._state.pipeline.options.pusher_webhook_delay:
            self._state.tell(app, event)
        else:
            self._state.under_way(start(self._came(app, event)))

    async def _came(self, app: App, event: Event) -> None:
        field = field_of(app, event | {"name": LEFT[event["name"]]})
        untold = self._forget(field) and field in self._apart
        self._apart.discard(field)
        try:
            untold = await self._owed.claim(field) or untold
        except StorageAway:
            pass  # told once more than need be
        if not untold:
            self._state.tell(app, event)

    def _forget(self, field: str) -> bool:
        """Whether it was to be told here."""
        waiting = self._calls.pop(field, None)
        if waiting is not None:
            waiting[0].cancel()
        return waiting is not None

    async def is_back(self, app: App, event: Event) -> bool:
        """Whether what an event says has meanwhile become untrue."""
        key, storage = key_of(app, event["channel"]), self._state.storage
        if event["name"] == "member_removed":
            return await storage.member(key, event.get("user_id", "")) is not None
        return event["name"] == "channel_vacated" and await storage.count(key) > 0

    async def finish(self, seconds: float) -> None:
        """Tell of all within so many seconds. Where others see what is kept, those that come back there in time are
        waited for, and what is not due by the end is left to them."""
        reactor, shared = self._state.reactor, self._owed.shared
        now = reactor.seconds()
        wait = min(max((call.getTime() for call, *_ in self._calls.values()), default=now) - now, seconds)
        if shared and wait > 0:
            await deferLater(reactor, wait)
        for field, (call, app, event) in list(self._calls.items()):
            call.cancel()
            if not shared or field in self._apart or call.getTime() <= reactor.seconds():
                self._due(field, app, event)
        self._calls.clear()
        if self._telling:
            telling = DeferredList(list(self._telling), consumeErrors=True)
            await telling.addTimeout(max(now + seconds - reactor.seconds(), LAST_SECONDS), reactor, lambda *_: None)

    def _due(self, field: str, app: App, event: Event) -> None:
        self._calls.pop(field, None)
        telling = start(self._tell(field, app, event))
        self._telling.add(telling)
        telling.addBoth(lambda _: self._telling.discard(telling))

    async def _tell(self, field: str, app: App, event: Event) -> None:
        kept = field not in self._apart
        self._apart.discard(field)
        try:
            if kept and not await self._owed.claim(field):
                return  # it is back, or another node has told it
        except StorageAway:
            return  # it is still there, to be told when it can be asked for
        try:
            if await self.is_back(app, event):
                return
        except StorageAway:
            pass
        self._state.tell(app, event)

    def _not_kept(self, failure: Any, field: str) -> None:
        failure.trap(StorageAway)
        self._apart.add(field)


def field_of(app: App, event: Event) -> str:
    """Where a departure is kept: what comes back looks there."""
    return json.dumps([app.id, event["name"], event["channel"], event.get("user_id", "")])
