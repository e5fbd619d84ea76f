"""What the parts of a shard ask of the shard that made them."""

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from filtered_websocket.storage_objects.base import Consumer
from filtered_websocket.storage_objects.redis.command import Script
from filtered_websocket.storage_objects.redis.connection import CommandConnection
from filtered_websocket.storage_objects.redis.subscriber import SubscriberConnection
from filtered_websocket.storage_objects.values import Convert


class OneRedis(Protocol):
    """One Redis, as this node uses it: `shard.Shard`."""

    consumer: Consumer
    ready: bool
    open: bool
    prefix: bytes

    @property
    def command(self) -> CommandConnection | None: ...

    @property
    def subscriber(self) -> SubscriberConnection | None: ...

    def ask(self, *parts: bytes, convert: Convert = None) -> Deferred[Any]: ...

    def run(
        self, script: Script, keys: Sequence[bytes], values: Sequence[bytes], convert: Convert
    ) -> Deferred[Any]: ...

    def changes(self, key: bytes) -> None: ...

    def history_keys(self, channel: str) -> tuple[bytes, bytes]: ...

    def meta_request(self, channel: str) -> bytes: ...

    def give_up(self, reason: str) -> None: ...
