"""Subscriptions of users to channels, made by HTTP: they associate events with users, also while those are away, and
put their personal connections into the channels."""

import json
import time
from typing import Any

from filtered_websocket.chain.storage import Storage
from filtered_websocket.filters.pushi import keys, wire
from filtered_websocket.filters.pushi.apps import App
from filtered_websocket.filters.pushi.state import State
from filtered_websocket.messages.strict_json import loads

Record = dict[str, Any]


async def add(state: State, app: App, user_id: str, channel: str) -> Record:
    """Subscribe a user; doing so again changes nothing. Returns the record."""
    record = {"user_id": user_id, "event": channel, "id": int(time.time() * 1e6), "instance": app.id}
    record |= {"created": time.time(), "modified": time.time(), "enabled": True, "description": None, "meta": {}}
    new, record = await store(state.storage, app, record)
    if new:
        await state.pipeline.publish(keys.control(app, user_id), wire.dumps({"added": channel}))
    return record


async def store(storage: Storage, app: App, record: Record) -> tuple[bool, Record]:
    """Put a subscription's record into the storage object: whether it is new, and the record that is there now."""
    user_id, channel = record["user_id"], record["event"]
    field = _field(user_id, channel)
    # The sets first: they take effect. Should this process end in between, doing it again completes it.
    await storage.add(keys.subscribers(app, channel), user_id)
    new = await storage.add(keys.aliases(app, user_id), channel)
    if not await storage.put(keys.subscriptions(app), field, wire.dumps(record), only_new=True):
        record = loads((await storage.fields(keys.subscriptions(app)))[field])
    return new, record


async def remove(state: State, app: App, user_id: str, channel: str) -> Record | None:
    """Unsubscribe a user. Returns the record, None if there was none."""
    storage, field = state.storage, _field(user_id, channel)
    stored = (await storage.fields(keys.subscriptions(app))).get(field)
    await storage.remove(keys.subscribers(app, channel), user_id)
    was = await storage.remove(keys.aliases(app, user_id), channel)
    await storage.delete(keys.subscriptions(app), field)
    if was:
        await state.pipeline.publish(keys.control(app, user_id), wire.dumps({"removed": channel}))
    return None if stored is None else loads(stored)


async def find(state: State, app: App, user_id: str = "", channel: str = "") -> list[Record]:
    """The subscriptions of a user, to a channel, or all."""
    stored = await state.storage.fields(keys.subscriptions(app))
    records = [loads(value) for value in stored.values()]
    records.sort(key=lambda record: record["id"])
    return [
        record
        for record in records
        if (not user_id or record["user_id"] == user_id) and (not channel or record["event"] == channel)
    ]


def _field(user_id: str, channel: str) -> str:
    return json.dumps([user_id, channel])
