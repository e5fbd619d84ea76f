"""How a storage object is chosen by name."""

from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import text

STORAGE = Option(
    "storage",
    text,
    "memory",
    "where state lives: memory, sqlite, redis, or the module of a StorageObject of your own",
    environment=("STORAGE_OBJECT_MODULE",),
    at_start=True,
)

BACKENDS = {name: f"filtered_websocket.storage_objects.{name}" for name in ("memory", "sqlite", "redis")}
