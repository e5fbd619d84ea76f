"""Publications that are told apart: by an idempotency key, which publishes once, and by versions, of which older ones
are dropped. Both are known to all nodes that share the storage object."""

import json
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from twisted.internet.defer import Deferred

from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions
from filtered_websocket.filters.centrifugo.publishing import send
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.publication import Position

T = TypeVar("T")
KEY_SECONDS = 300
"""How long an idempotency key is remembered."""
CLAIM_SECONDS = 10.0
"""How long one that is about to publish holds the key; should it die meanwhile, another may."""
LOOK_SECONDS = 0.05


class Version(NamedTuple):
    number: int
    epoch: str = ""


async def publish_once(
    state: State,
    channel: str,
    options: ChannelOptions,
    message: Message,
    *,
    key: str,
    name: str | None = None,
    skip_history: bool = False,
) -> Position | None:
    """Publish, unless that was done under this key: then the position is that of the first.

    :param message: an envelope
    :param name: by which history knows it; without it, the key
    """
    # Both may hold spaces: the length says where the channel ends.
    record = f"centrifugo once {len(channel)} {channel} {key}"
    storage = state.storage
    while not await storage.store(record, "", CLAIM_SECONDS, "claimed", only_if={""}):
        found = await storage.load(record)
        if found is not None and found.value:
            kept = json.loads(found.value)
            return Position(*kept) if kept else None
        await _pause(state)
    try:
        # What history keeps it knows by this key, too: the same step that appends it.
        position: Position | None = await send(
            state, channel, options, message, skip_history, once=name or f"key {key}"
        )
    except BaseException:
        await storage.store(record, None, 0)
        raise
    await storage.store(record, json.dumps(position or []), KEY_SECONDS, "done")
    return position


def _pause(state: State) -> Deferred[None]:
    over: Deferred[None] = Deferred()
    state.reactor.callLater(LOOK_SECONDS, over.callback, None)
    return over


async def publish_version(
    state: State, channel: str, options: ChannelOptions, version: Version, publish: Callable[[str], Awaitable[T]]
) -> T | None:
    """Publish, if this version is newer than the last of its channel, or of another epoch. None: it is not.

    :param publish: is given the name by which history knows the version
    """
    record = f"centrifugo version {channel}"
    storage, owner = state.storage, f"{version.epoch}:{version.number}"
    while True:
        found = await storage.load(record)
        last = "" if found is None else found.owner
        last_epoch, _, last_number = last.rpartition(":")
        if last == owner and not found.value:
            break  # it is being published, or was to be: only history knows whether it was
        if found is not None and last_epoch == version.epoch and int(last_number) >= version.number:
            return None
        if await storage.store(record, "", options.history_meta_ttl, owner, only_if={last}):
            break
    published = await publish(f"version {owner}")
    await storage.store(record, "published", options.history_meta_ttl, owner, only_if={owner})
    return published
