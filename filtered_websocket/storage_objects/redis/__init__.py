"""Redis as storage object: shared by processes and nodes."""

from filtered_websocket.storage_objects.redis.cluster.storage_object import StorageObject

__all__ = ["StorageObject"]
