"""Memory storage under the original's name (``STORAGE_OBJECT_MODULE=filtered_websocket.storage_objects.default``)."""

from filtered_websocket.storage_objects.memory import StorageObject

__all__ = ["StorageObject"]
