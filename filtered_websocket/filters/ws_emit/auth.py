"""Secrets: those of roomspaces, and that of POST /emit."""

from hmac import compare_digest
from typing import Any

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.storage import Storage
from filtered_websocket.errors import StorageAway

KEYS = ("ws-emit::room_secret::", "ws-emit::secret::")
"""What WS-Emit's README calls the key of a roomspace's secret in Redis, and what its program read."""


def space_of(room: str) -> str | None:
    """The roomspace that a room belongs to, None for a public one."""
    space, colons, _ = room.partition("::")
    return space if colons else None


async def allows(pipeline: Pipeline, space: str, secret: Any) -> bool:
    """Whether this is the secret of the roomspace; there are no rooms in one that has none."""
    if not isinstance(secret, str) or not secret:
        return False
    wanted = await secret_of(pipeline, space)
    return bool(wanted) and same(wanted or "", secret)


async def secret_of(pipeline: Pipeline, space: str) -> str | bytes | None:
    """The secret of a roomspace; None if it has none."""
    wanted: str | None = pipeline.options.ws_emit_room_secrets.get(space)
    return await _stored(pipeline.storage_object, space) if wanted is None else wanted


async def _stored(storage: Storage, space: str) -> bytes | None:
    for key in KEYS:
        value = await _read(storage, key + space)
        if value is not None:
            return value
    return None


async def _read(storage: Storage, key: str) -> bytes | None:
    """While the storage is away a client that wants to join waits: ignored, it would think that it has joined."""
    while True:
        try:
            return await storage.read(key)
        except StorageAway:
            await storage.wait_ready()


def same(wanted: str | bytes, given: Any) -> bool:
    """Whether a secret is the one wanted, in a time that does not tell how near it is."""
    if not isinstance(given, str):
        return False
    raw = wanted.encode("utf-8", "surrogatepass") if isinstance(wanted, str) else wanted
    return compare_digest(raw, given.encode("utf-8", "surrogatepass"))
