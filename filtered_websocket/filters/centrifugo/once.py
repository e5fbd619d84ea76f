"""Publications that are told apart: by an idempotency key, which publishes once, and by versions, of which older ones
are dropped. Both are known to all nodes that share the storage object."""

import json
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.filters.centrifugo.envelope import Envelope
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions
from filtered_websocket.filters.centrifugo.publishing import send
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.messages.publication import Position

KEY_SECONDS = 300
"""How long an idempotency key is remembered."""
CLAIM_SECONDS = 10.0
"""How long one that is about to publish holds the key; should it die meanwhile, another may."""
LOOK_SECONDS = 0.05


async def publish_once(
    state: State, channel: str, options: ChannelOptions, envelope: Envelope, *, key: str, skip_history: bool = False
) -> Position | None:
    """Publish, unless that was done under this key: then the position is that of the first."""
    record = f"centrifugo once {channel} {key}"
    storage = state.storage
    while not await storage.store(record, "", CLAIM_SECONDS, "claimed", only_if={""}):
        found = await storage.load(record)
        if found is not None and found.value:
            kept = json.loads(found.value)
            return Position(*kept) if kept else None
        await _pause(state)
    try:
        # What history keeps it knows by this key, too: the same step that appends it.
        position: Position | None = await send(state, channel, options, envelope, skip_history, once=key)
    except BaseException:
        await storage.store(record, None, 0)
        raise
    await storage.store(record, json.dumps(position or []), KEY_SECONDS, "done")
    return position


def _pause(state: State) -> Deferred[None]:
    over: Deferred[None] = Deferred()
    state.reactor.callLater(LOOK_SECONDS, over.callback, None)
    return over


async def is_newer(state: State, channel: str, options: ChannelOptions, version: int, epoch: str) -> bool:
    """Whether a version is newer than the last of its channel, and the last from now on; one of another epoch is."""
    record = f"centrifugo version {channel}"
    storage: Any = state.storage
    while True:
        found = await storage.load(record)
        last = "" if found is None else found.owner
        last_epoch, _, last_version = last.rpartition(":")
        if found is not None and last_epoch == epoch and int(last_version) >= version:
            return False
        if await storage.store(record, "1", options.history_meta_ttl, f"{epoch}:{version}", only_if={last}):
            return True
