"""A storage object as one named pipeline sees it: every key and channel begins with the pipeline's prefix.

The bus stays as it is: what other programs write has no prefix.
"""

from collections.abc import Collection
from functools import lru_cache

from twisted.internet.defer import Deferred

from filtered_websocket.limits.history_pool import DEFAULT_POOL, Pool
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.storage_objects.base import BaseStorageObject, Consumer, Keep, Record

REMEMBERED = 64
"""What is kept, as it was asked for with publications, of which it is remembered what that is in the storage object."""


class PrefixedStorageObject(BaseStorageObject):
    """A view of another storage object, which the server starts and stops."""

    def __init__(self, storage: BaseStorageObject, prefix: str) -> None:
        self._storage, self._prefix = storage, prefix
        self.durable, self.shared = storage.durable, storage.shared
        # All channels of a namespace, or of a rule, keep the same.
        self._own_keep = lru_cache(REMEMBERED)(self._own_keep_of)

    @property
    def private_bus(self) -> bool:
        return self._storage.private_bus

    @property
    def ready(self) -> bool:
        return self._storage.ready

    def wait_ready(self) -> Deferred[None]:
        return self._storage.wait_ready()

    def get(self, key: str) -> Deferred[set[str] | None]:
        return self._storage.get(self._prefix + key)

    def add(self, key: str, value: str) -> Deferred[bool]:
        return self._storage.add(self._prefix + key, value)

    def remove(self, key: str, value: str) -> Deferred[bool]:
        return self._storage.remove(self._prefix + key, value)

    def put(self, key: str, field: str, value: str | bytes, only_new: bool = False) -> Deferred[bool]:
        return self._storage.put(self._prefix + key, field, value, only_new)

    def fields(self, key: str) -> Deferred[dict[str, str | bytes]]:
        return self._storage.fields(self._prefix + key)

    def delete(self, key: str, field: str | None = None) -> Deferred[bool]:
        return self._storage.delete(self._prefix + key, field)

    def store(
        self,
        key: str,
        value: str | bytes | None,
        seconds: float,
        owner: str = "",
        only_if: Collection[str] | None = None,
    ) -> Deferred[bool]:
        return self._storage.store(self._prefix + key, value, seconds, owner, only_if)

    def load(self, key: str) -> Deferred[Record | None]:
        return self._storage.load(self._prefix + key)

    def take(self, key: str, owner: str) -> Deferred[Record | None]:
        return self._storage.take(self._prefix + key, owner)

    def publish(self, channel: str, data: str | bytes) -> Deferred[None]:
        return self._storage.publish(channel, data)

    def listen(self, channel: str) -> Deferred[None]:
        return self._storage.listen(channel)

    def listen_to_all(self, prefix: str) -> Deferred[None]:
        return self._storage.listen_to_all(prefix)

    def unlisten(self, channel: str) -> Deferred[None]:
        return self._storage.unlisten(channel)

    def read(self, key: str) -> Deferred[bytes | None]:
        return self._storage.read(key)

    def start(self, consumer: Consumer) -> Deferred[None]:
        raise TypeError("a pipeline does not start the server's storage object")

    def stop(self) -> Deferred[None]:
        raise TypeError("a pipeline does not stop the server's storage object")

    def send(
        self, publication: Publication, keep: Keep | None = None, once: str | None = None
    ) -> Deferred[Position | None]:
        name = self._prefix + publication.channel
        own = Publication(name, publication.messages, publication.exclude, publication.position, publication.besides)
        own_keep = None if keep is None else self._own_keep(keep)
        # A user's own storage object may have been written before there were names.
        return self._storage.send(own, own_keep) if once is None else self._storage.send(own, own_keep, once)

    def subscribe(self, channel: str) -> Deferred[Position | None]:
        return self._storage.subscribe(self._prefix + channel)

    def unsubscribe(self, channel: str) -> Deferred[None]:
        return self._storage.unsubscribe(self._prefix + channel)

    def track(self, channel: str, count: int) -> Deferred[int]:
        return self._storage.track(self._prefix + channel, count)

    def count(self, channel: str) -> Deferred[int]:
        return self._storage.count(self._prefix + channel)

    def occupied(self, prefix: str = "") -> Deferred[dict[str, int]]:
        return self._storage.occupied(self._prefix + prefix).addCallback(self._shorten)

    def since(self, channel: str, position: Position, limit: int = 0) -> Deferred[list[Publication] | None]:
        asked = self._prefix + channel, position
        return self._storage.since(*asked, limit) if limit else self._storage.since(*asked)

    def latest(self, channel: str, skip: int, count: int) -> Deferred[list[Publication]]:
        return self._storage.latest(self._prefix + channel, skip, count)

    def clear(self, channel: str) -> Deferred[bool]:
        return self._storage.clear(self._prefix + channel)

    def position(self, channel: str, pool: Pool = DEFAULT_POOL) -> Deferred[Position]:
        return self._storage.position(self._prefix + channel, self._own(pool))

    def join(self, channel: str, member: str, holder: str, info: str = "") -> Deferred[bool]:
        return self._storage.join(self._prefix + channel, member, holder, info)

    def leave(self, channel: str, member: str, holder: str) -> Deferred[bool]:
        return self._storage.leave(self._prefix + channel, member, holder)

    def members(self, channel: str) -> Deferred[dict[str, str]]:
        return self._storage.members(self._prefix + channel)

    def member(self, channel: str, member: str) -> Deferred[str | None]:
        return self._storage.member(self._prefix + channel, member)

    def member_count(self, channel: str) -> Deferred[int]:
        return self._storage.member_count(self._prefix + channel)

    def _own_keep_of(self, keep: Keep) -> Keep:
        return keep._replace(pool=self._own(keep.pool))

    def _own(self, pool: Pool) -> Pool:
        return Pool(self._prefix + pool.name, pool.bytes, pool.channels)

    def _shorten(self, channels: dict[str, int]) -> dict[str, int]:
        return {name[len(self._prefix) :]: count for name, count in channels.items()}
