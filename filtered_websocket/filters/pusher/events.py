"""Events: what may be published by HTTP, and how it goes to its channels."""

import re
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred

from filtered_websocket.chain.interfaces import Options
from filtered_websocket.filters.pusher import wire
from filtered_websocket.filters.pusher.apps import App
from filtered_websocket.filters.pusher.channels import caches, is_name
from filtered_websocket.filters.pusher.keys import key_of
from filtered_websocket.filters.pusher.state import State
from filtered_websocket.messages.message import utf8_size
from filtered_websocket.messages.publication import Publication
from filtered_websocket.web.response import HTTPError

MAX_NAME = 200
MAX_CHANNELS = 100
MAX_BATCH = 10

SOCKET_ID = re.compile(r"[0-9]{1,20}\.[0-9]{1,20}")


class Event(NamedTuple):
    """
    :ivar exclude: the socket id that is left out, "" for none
    """

    name: str
    data: str
    channels: tuple[str, ...]
    exclude: str
    info: str


def read_event(body: Any, options: Options, batched: bool = False) -> Event:
    """The event in a request.

    :raises HTTPError: 400, it is none; 413, its data is too large
    """
    if not isinstance(body, dict):
        raise HTTPError(400, "an event is an object")
    name, data, info = body.get("name"), body.get("data"), body.get("info", "")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        raise HTTPError(400, f"an event's name is a string of 1 to {MAX_NAME} characters")
    if name.startswith(("pusher:", "pusher_internal:")):
        raise HTTPError(400, "names that begin with pusher: are the server's own")
    if not isinstance(data, str):
        raise HTTPError(400, "an event's data is a string: encode it first")
    if utf8_size(data) > options.pusher_max_event_size:
        raise HTTPError(413, f"an event's data may have {options.pusher_max_event_size} bytes")
    channels = [body.get("channel")] if batched or "channels" not in body else body["channels"]
    if not isinstance(channels, list) or not 0 < len(channels) <= MAX_CHANNELS:
        raise HTTPError(400, f"channels are a list of 1 to {MAX_CHANNELS} names")
    if not all(is_name(channel, options.pusher_max_channel_name) for channel in channels):
        raise HTTPError(400, "no channel can have this name: letters, digits and _-=@,.; are wanted")
    socket_id = body.get("socket_id")
    if socket_id and (not isinstance(socket_id, str) or not SOCKET_ID.fullmatch(socket_id)):
        raise HTTPError(400, "socket_id is digits.digits")
    if not isinstance(info, str):
        raise HTTPError(400, "info is a string")
    return Event(name, data, tuple(dict.fromkeys(channels)), socket_id or "", info)


def publish(state: State, app: App, event: Event) -> list[Deferred[Any]]:
    """Publish an event to its channels, in their order: begun when this returns."""
    begun = []
    for channel in event.channels:
        key, packet = key_of(app, channel), wire.event(event.name, channel, event.data)
        if caches(channel):
            exclude = (event.exclude,) if event.exclude else ()
            keep = state.pipeline.keep(1, state.pipeline.options.pusher_cache_seconds, f"app {app.id}")
            begun.append(state.storage.send(Publication(key, ((packet.encode(), False),), exclude), keep))
        else:
            begun.append(state.pipeline.publish(key, packet, exclude=event.exclude or None))
    return begun


def hook_of(packet: wire.Packet, socket_id: str, user_id: str) -> dict[str, str]:
    """What web hooks are told of a client event."""
    data = packet.data if isinstance(packet.data, str) else wire.dumps(packet.data)
    told = {"name": "client_event", "channel": packet.channel, "event": packet.event, "data": data}
    told["socket_id"] = socket_id
    if user_id:
        told["user_id"] = user_id
    return told
