"""Web hooks: URLs that get the events of a channel, and those of a user's channels by the name of his personal one."""

from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.filters.base import start
from filtered_websocket.filters.pushi import keys, wire
from filtered_websocket.filters.pushi.apps import App
from filtered_websocket.signatures import sign
from filtered_websocket.storage_objects.base import StorageAway
from filtered_websocket.webhooks import Render, Request


def tell(state: Any, app: App, channel: str, packet: str) -> None:
    """Tell the hooks of a channel, some time. Their failures are nobody's business here."""
    found: Deferred[Any] = start(_urls(state, app, channel))
    found.addCallback(_tell, state, app, packet)
    found.addErrback(lambda failure: failure.trap(StorageAway) and None)


def _tell(urls: list[str], state: Any, app: App, packet: str) -> None:
    for url in urls:
        state.webhooks.tell(url, packet, renderer(app, state.pipeline.options.pushi_sign_webhooks), app.id)


async def _urls(state: Any, app: App, channel: str) -> list[str]:
    """Once each."""
    stored = await state.storage.fields(keys.webs(app))
    if not stored:
        return []
    webs = [wire.loads(value) for value in stored.values()]
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
