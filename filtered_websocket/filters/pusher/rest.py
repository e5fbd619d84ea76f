"""Pusher's HTTP API: publish, and ask what is occupied. Every request is signed (`auth.check_request`)."""

import json
from typing import Any

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.pusher import auth, events
from filtered_websocket.filters.pusher.apps import App
from filtered_websocket.filters.pusher.channels import PresenceChannel, is_name, kind_of
from filtered_websocket.filters.pusher.keys import control_of, key_of
from filtered_websocket.filters.pusher.state import State
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError

KNOWN_INFO = {"user_count", "subscription_count"}


class Signed(Endpoint):
    """What every request has to pass."""

    methods = ("GET",)

    @classmethod
    async def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Any:
        state = State.of(pipeline)
        app = await cls.app_of(state, request)
        if app is None:
            raise HTTPError(401, "there is no such app")
        auth.check_request(app, request)
        if not app.enabled:
            raise HTTPError(403, "the app is disabled")
        return await cls.answer(state, app, request)

    @classmethod
    async def app_of(cls, state: State, request: HTTPRequest) -> App | None:
        return await state.apps.of_id(request.wildcards[0])

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        """Answer a request that is signed."""
        raise NotImplementedError

    @classmethod
    def body_limit(cls, pipeline: Pipeline) -> int:
        # JSON may write one byte as six.
        return 64 * 1024 + 6 * events.MAX_BATCH * int(pipeline.options.pusher_max_event_size)


class Events(Signed):
    """Publish an event to channels."""

    path = "/apps/*/events"
    methods = ("POST",)

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        event = events.read_event(request.json(dict), state.pipeline.options)
        wanted = read_info(event.info)
        for published in events.publish(state, app, event):
            await published
        if not wanted:
            return {}
        return {"channels": {channel: await counts(state, app, channel, wanted) for channel in event.channels}}


class BatchEvents(Signed):
    """Publish several events, in their order."""

    path = "/apps/*/batch_events"
    methods = ("POST",)

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        batch = request.json(dict).get("batch")
        if not isinstance(batch, list) or len(batch) > events.MAX_BATCH:
            raise HTTPError(400, f"batch is a list of at most {events.MAX_BATCH} events")
        # All are looked at before the first is published.
        read = [events.read_event(each, state.pipeline.options, batched=True) for each in batch]
        wanted = [read_info(event.info) for event in read]
        for published in [each for event in read for each in events.publish(state, app, event)]:
            await published
        if not any(wanted):
            return {}
        told = zip(read, wanted, strict=True)
        return {"batch": [await counts(state, app, event.channels[0], info) for event, info in told]}


class Channels(Signed):
    """The channels that have subscribers."""

    path = "/apps/*/channels"

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        prefix = request.argument("filter_by_prefix", "")
        wanted = read_info(request.argument("info", ""))
        if "user_count" in wanted and not prefix.startswith("presence-"):
            raise HTTPError(400, "user_count is for presence channels: filter_by_prefix=presence-")
        start = len(app.id) + 1
        occupied = await state.storage.occupied(key_of(app, prefix))
        names = sorted(key[start:] for key in occupied)
        return {"channels": {name: await counts(state, app, name, wanted) for name in names}}


class Channel(Signed):
    """One channel."""

    path = "/apps/*/channels/*"

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        name = channel_in(state, request)
        wanted = read_info(request.argument("info", ""))
        if "user_count" in wanted and kind_of(name) is not PresenceChannel:
            raise HTTPError(400, "user_count is for presence channels")
        occupied = await state.storage.count(key_of(app, name)) > 0
        return {"occupied": occupied, **(await counts(state, app, name, wanted) if occupied else {})}


class Users(Signed):
    """The members of a presence channel."""

    path = "/apps/*/channels/*/users"

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        name = channel_in(state, request)
        if kind_of(name) is not PresenceChannel:
            raise HTTPError(400, "only presence channels have users")
        members = await state.storage.members(key_of(app, name))
        return {"users": [{"id": user_id} for user_id in members]}


class TerminateConnections(Signed):
    """End the connections on which a user has signed in."""

    path = "/apps/*/users/*/terminate_connections"
    methods = ("POST",)

    @classmethod
    async def answer(cls, state: State, app: App, request: HTTPRequest) -> Any:
        user_id = request.wildcards[-1]
        if not 0 < len(user_id) <= 200:
            raise HTTPError(400, "a user's id has 1 to 200 characters")
        await state.pipeline.publish(control_of(app, user_id), "")
        return {}


class TerminateWithoutApp(TerminateConnections):
    """The path that the Python SDK (3.3.4) asks for; the key it signs with tells the app."""

    path = "/users/*/terminate_connections"

    @classmethod
    async def app_of(cls, state: State, request: HTTPRequest) -> App | None:
        return await state.apps.of_key(auth.key_of(request))


def channel_in(state: State, request: HTTPRequest) -> str:
    """The channel that a request names. Raises HTTPError."""
    name = request.wildcards[1]
    if not is_name(name, state.pipeline.options.pusher_max_channel_name):
        raise HTTPError(400, "no channel can have this name")
    return name


def read_info(text: str) -> set[str]:
    """What a request wants to know of channels. Raises HTTPError."""
    wanted = {each.strip() for each in text.split(",")} - {""}
    if wanted - KNOWN_INFO - {"cache"}:
        raise HTTPError(400, "info knows user_count, subscription_count and cache")
    return wanted


async def counts(state: State, app: App, name: str, wanted: set[str]) -> dict[str, Any]:
    """What is wanted of one channel, on all nodes."""
    told: dict[str, Any] = {}
    key = key_of(app, name)
    if "user_count" in wanted and kind_of(name) is PresenceChannel:
        told["user_count"] = await state.storage.member_count(key)
    if "subscription_count" in wanted:
        told["subscription_count"] = await state.storage.count(key)
    if "cache" in wanted:
        kept = await state.storage.latest(key, 0, 1)
        told["cache"] = {"data": json.loads(kept[0].payload)["data"]} if kept else None
    return told
