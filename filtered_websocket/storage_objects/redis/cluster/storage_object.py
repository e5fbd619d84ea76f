"""Redis storage on Redises of one's own, or on a Redis Cluster: `redis_cluster` says which."""

from typing import Any

from filtered_websocket.storage_objects.redis import storage_object
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.shards import Shards


class StorageObject(storage_object.StorageObject):
    """
    :param options: those of Redis storage; ConfigError if they contradict each other
    """

    def _make_shards(self, found: list[Address], options: Any) -> Shards:
        if not options.redis_cluster:
            return super()._make_shards(found, options)
        from filtered_websocket.storage_objects.redis.cluster.cluster import Cluster  # installs the reactor

        return Cluster(found, self._prefix, self._node, options)
