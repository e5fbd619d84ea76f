"""Events: stored, associated with users, published, and told to web hooks."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from twisted.internet.defer import Deferred

from filtered_websocket.chain.interfaces import Options
from filtered_websocket.chain.storage import Storage
from filtered_websocket.filters.pushi import hooks, keys, wire
from filtered_websocket.filters.pushi.apps import App
from filtered_websocket.filters.pushi.state import State
from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.messages.publication import Publication
from filtered_websocket.messages.strict_json import loads
from filtered_websocket.storage_objects.base import Keep

MAX_ANSWER, PAGE = 4 * 1024 * 1024, 10
"""Bytes of stored events that are given at one time, and how many are read at one time. Else a client that has stored
hundreds of large ones, and asks for them, could hold the reactor for seconds, and Redis until it is taken for dead."""

RESERVED = frozenset(("channel", "channels", "event", "data", "persist", "echo", "mid", "timestamp", "sid"))
"""Members of a request that are not passed on to clients as they are."""


class Event(NamedTuple):
    """
    :ivar data: a string, which holds JSON if it was none
    :ivar persist: store it
    :ivar extra: other members for the clients
    :ivar owner: the socket it comes from
    :ivar echo: the owner gets it too
    """

    name: str
    data: str
    channels: tuple[str, ...]
    persist: bool = True
    extra: Mapping[str, Any] = {}
    owner: str | None = None
    echo: bool = False


async def happen(state: State, app: App, event: Event) -> None:
    """Let an event happen. When this is over it is stored and on its way."""
    stamps: list[Mapping[str, Any]] = [{} for _ in event.channels]
    if event.persist:
        # Stored before it is published: a client that has seen it will find it again, whatever happens to this process.
        users: set[str] = set()
        stamps = [await _store(state, app, event, channel, users) for channel in event.channels]
    for sent in publish(state, app, event, stamps):
        await sent


def publish(state: State, app: App, event: Event, stamps: Sequence[Mapping[str, Any]]) -> list[Deferred[Any]]:
    """To each channel its own packet, to each subscriber one copy; begun when this returns.

    :param stamps: what packets tell of the stored event, one for each channel
    """
    exclude = () if event.owner is None or event.echo else (event.owner,)
    begun, besides = [], list[str]()
    for channel, stamp in zip(event.channels, stamps, strict=True):
        about = {"channel": channel, "event": event.name, "data": event.data}
        packet = wire.dumps({**event.extra, **about, **stamp})
        names = keys.heard(app, channel)
        if len(event.channels) == 1:
            begun.append(state.pipeline.publish(names if len(names) > 1 else names[0], packet, exclude))
        else:
            for name in names:
                message = (packet.encode(), False)
                begun.append(state.storage.send(Publication(name, (message,), exclude, None, tuple(besides))))
                besides.append(name)
        hooks.tell(state, app, channel, packet)
    return begun


async def _store(state: State, app: App, event: Event, channel: str, associated: set[str]) -> dict[str, Any]:
    """Store an event of one channel, and associate it with the users that are subscribed to that.

    :param associated: users that have it already, of another channel
    :returns: what the live packet tells of it
    """
    stamp = {"mid": str(uuid4()), "timestamp": round(time.time(), 3)}
    data = {**event.extra, "channel": channel, "event": event.name, "data": event.data}
    storage, keep = state.storage, keep_of(state.pipeline.options, app)
    users = set(await storage.get(keys.subscribers(app, channel)) or ()) - associated
    associated |= users
    record = {**stamp, "channel": channel, "owner_id": event.owner, "instance": app.id}
    record |= {"created": stamp["timestamp"], "modified": stamp["timestamp"], "enabled": True}
    record |= {"description": None, "meta": {}, "data": data}
    position = await append(storage, keys.all_events(app), record, keep)
    # The app's own history counts the events; the copies know their number.
    record = {"id": position.offset if position is not None else 0, **record}
    names = (keys.log(app, channel), *(keys.associated(app, user) for user in users))
    message = wire.dumps(record).encode(), False
    for stored in [storage.send(Publication(name, (message,)), keep) for name in names]:
        await stored
    return stamp


def append(storage: Storage, name: str, record: Mapping[str, Any], keep: Keep) -> Any:
    """Append a record to a history, which has no subscribers."""
    return storage.send(Publication(name, ((wire.dumps(record).encode(), False),)), keep)


def keep_of(options: Options, app: App) -> Keep:
    """How much of its events an app keeps, and how long: of all its histories together no more than the pool holds,
    since clients invent the channels that have them."""
    count = options.pushi_keep_events if app.keep_events is None else app.keep_events
    seconds = options.pushi_keep_seconds if app.keep_seconds is None else app.keep_seconds
    # Where any client makes apps, a quota for each would be none.
    pool = "apps" if options.pushi_open_apps else f"app {app.id}"
    return Keep(count, seconds, Pool(pool, options.history_bytes, options.history_channels))


async def latest(state: State, name: str, skip: int = 0, count: int = 10) -> list[str]:
    """Stored events of a history, newest first, as JSON: fewer than were asked for if they are large."""
    return [each.payload.decode() for each in await _newest(state, name, skip, count)]


async def latest_of_app(state: State, app: App, count: int) -> list[dict[str, Any]]:
    """The app's stored events, newest first: fewer than were asked for if they are large."""
    return [
        {"id": each.position.offset if each.position else 0, **loads(each.payload)}
        for each in await _newest(state, keys.all_events(app), 0, count)
    ]


async def _newest(state: State, name: str, skip: int, count: int) -> list[Publication]:
    found: dict[bytes, Publication] = {}  # by payload: what happens meanwhile moves the pages, so some come twice
    size = read = 0
    while (wanted := min(PAGE, count - len(found))) > 0:
        page = await state.storage.latest(name, skip + read, wanted)
        read += len(page)
        for each in page:
            size += len(each.payload)
            if found and size > MAX_ANSWER:
                return list(found.values())
            found[each.payload] = each
        if len(page) < wanted:
            break
    return list(found.values())
