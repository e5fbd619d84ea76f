"""A file as storage object: embedded and durable."""

from filtered_websocket.storage_objects.sqlite.storage_object import StorageObject

__all__ = ["StorageObject"]
