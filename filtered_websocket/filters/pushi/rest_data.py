"""Pushi's HTTP API: what apps keep: subscriptions, events, sockets, web hooks."""

from typing import Any

from filtered_websocket.filters.pushi import auth, events, keys, subscriptions, wire
from filtered_websocket.filters.pushi.apps import App
from filtered_websocket.filters.pushi.channels import kind_of
from filtered_websocket.filters.pushi.events import RESERVED, Event
from filtered_websocket.filters.pushi.rest import SUCCESS, Private, fields_of, own, text
from filtered_websocket.filters.pushi.state import State
from filtered_websocket.filters.pushi.wire import PushiError
from filtered_websocket.filters.shared.webhooks.urls import check_url
from filtered_websocket.messages.strict_json import loads, size
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError

MAX_CHANNELS = 100
MAX_EVENTS = 500
MAX_URLS = 100
"""Of web hooks that one app registers."""
MAX_WEBS = 1000
"""Web hooks of one app: each event of it looks at all."""


class Subscriptions(Private):
    path = "/subscriptions"
    methods = ("GET", "POST")

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        if request.method != "POST":
            user_id, channel = request.argument("user_id", ""), request.argument("event", "")
            return {"subscriptions": await subscriptions.find(state, app, user_id, channel)}
        return await subscriptions.add(state, app, *user_and_channel(request))


class ASubscription(Private):
    path = "/subscriptions/*/*"
    methods = ("DELETE",)

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        record = await subscriptions.remove(state, app, *request.wildcards)
        if record is None and truth(request.argument("force")):
            raise HTTPError(404, "there is no such subscription")
        return SUCCESS if record is None else record


class Subscribe(Private):
    """As the original's README has it."""

    path = "/apps/*/subscribe"
    methods = ("GET", "POST")

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        own(app, request.wildcards[0])
        return await subscriptions.add(state, app, *user_and_channel(request))


class Unsubscribe(Private):
    """As the original's README has it."""

    path = "/apps/*/unsubscribe"
    methods = ("GET", "POST")

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        own(app, request.wildcards[0])
        record = await subscriptions.remove(state, app, *user_and_channel(request))
        return SUCCESS if record is None else record


class Events(Private):
    path = "/events"
    methods = ("GET", "POST")

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        if request.method != "POST":
            try:
                count = wire.number(request.argument("count"), 10, MAX_EVENTS)
            except ValueError:
                raise HTTPError(400, "count is to be a number") from None
            return {"events": await events.latest_of_app(state, app, count)}
        given = fields_of(request)
        event = read_event(given)
        most = state.pipeline.options.pushi_max_event_size
        # What else is in the request is passed on and stored as the data is.
        if wire.exceeds(given["data"], event.data, most) or size(event.extra) > most:
            raise HTTPError(413, f"an event's data may have {most} bytes")
        await events.happen(state, app, event)
        return SUCCESS


class Sockets(Private):
    path = "/sockets"

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        return {"sockets": [{"socket_id": socket, "channel": channel} for socket, channel in await sockets(state, app)]}


class ASocket(Private):
    path = "/sockets/*"
    methods = ("GET", "POST")

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        wanted = request.wildcards[0]
        return {"channels": [channel for socket, channel in await sockets(state, app) if socket == wanted]}


class Webs(Private):
    path = "/webs"
    methods = ("GET", "POST")

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        given = fields_of(request)
        if request.method != "POST":
            wanted = {name: given[name] for name in ("url", "event") if given.get(name)}
            return {"subscriptions": await webs(state, app, **wanted)}
        url, channel = text(given, "url"), text(given, "event")
        try:
            check_url(url)
        except ValueError as error:
            raise HTTPError(400, str(error)) from None
        if not wire.is_name(channel):
            raise HTTPError(400, f"event is wanted, of at most {wire.MAX_NAME} characters")
        if kind_of(channel).signed and not auth.check_hook(app, url, channel, given.get("auth")):
            raise HTTPError(403, "the signature of this web hook is wrong")
        if truth(given.get("unsubscribe")):
            for former in await webs(state, app, url=url):
                await state.webs.remove(app, former)
        there = {(former["url"], former["event"]) for former in await webs(state, app)} | {(url, channel)}
        if len(there) > MAX_WEBS or len({url for url, _ in there}) > MAX_URLS:
            raise HTTPError(400, f"an app may have {MAX_WEBS} web hooks, to {MAX_URLS} URLs")
        web = {"url": url, "event": channel, "instance": app.id, "enabled": True, "description": None, "meta": {}}
        await state.webs.add(app, web)
        return web


class AWeb(Private):
    """``/webs/<url>`` or ``/webs/<url>/<event>``; the client library does not encode the URL, whose slashes stay."""

    path = "/webs/*"
    methods = ("DELETE",)

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        (rest,) = request.wildcards
        all_of_url = await webs(state, app, url=rest)
        url, _, channel = rest.rpartition("/")
        found = all_of_url or await webs(state, app, url=url, event=channel)
        if not found and truth(request.argument("force")):
            raise HTTPError(404, "there is no such web hook")
        for web in found:
            await state.webs.remove(app, web)
        if all_of_url:
            return {"subscriptions": found}
        return found[0] if found else SUCCESS


def read_event(given: dict[str, Any]) -> Event:
    """The event in a request. Raises HTTPError."""
    data, name, channels = given.get("data"), given.get("event", "message"), given.get("channel", "global")
    if data is None or data == "":
        raise HTTPError(400, "data is wanted")
    if not isinstance(name, str) or not 0 < len(name) <= wire.MAX_EVENT_NAME:
        raise HTTPError(400, f"event is a text of 1 to {wire.MAX_EVENT_NAME} characters")
    channels = channels if isinstance(channels, list) else [channels]
    if not 0 < len(channels) <= MAX_CHANNELS or not all(wire.is_name(channel) for channel in channels):
        raise HTTPError(400, f"channel is a name of 1 to {wire.MAX_NAME} characters, or a list of at most 100")
    extra = {key: value for key, value in given.items() if key not in RESERVED}
    try:
        # Encoded once here, so that what cannot be is found before anything has happened.
        wire.dumps(extra)
        data = wire.text_of(data)
    except PushiError:
        raise HTTPError(400, "JSON is wanted that browsers read as well") from None
    return Event(name, data, tuple(dict.fromkeys(channels)), truth(given.get("persist", True)), extra)


def user_and_channel(request: HTTPRequest) -> tuple[str, str]:
    """The two parameters of a subscription. Raises HTTPError."""
    given = fields_of(request)
    user_id = str(given["user_id"]) if type(given.get("user_id")) is int else text(given, "user_id")
    channel = text(given, "event")
    if not wire.is_name(user_id) or not wire.is_name(channel):
        raise HTTPError(400, f"user_id and event have at most {wire.MAX_NAME} characters")
    return user_id, channel


async def sockets(state: State, app: App) -> list[tuple[str, str]]:
    """Connections, and the channels they are in, on all nodes."""
    return [tuple(loads(each)) for each in await state.storage.members(keys.sockets(app))]


async def webs(state: State, app: App, url: str = "", event: str = "") -> list[dict[str, Any]]:
    """The web hooks of a URL, of a channel, or all."""
    return [
        each
        for each in await state.webs.of(app)
        if (not url or each["url"] == url) and (not event or each["event"] == event)
    ]


def truth(value: Any) -> bool:
    """A switch, from JSON or from a query."""
    return value.lower() not in ("", "0", "false", "no", "off", "none") if isinstance(value, str) else bool(value)
