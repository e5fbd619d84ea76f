"""What the parts of a shard ask of the shard that made them, and of what it is connected by."""

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from filtered_websocket.storage_objects.base import Consumer
from filtered_websocket.storage_objects.redis.command import Script
from filtered_websocket.storage_objects.values import Convert


class Commands(Protocol):
    """What is asked for a shard itself, and never twice: what was refused or lost is asked anew when all is.

    :ivar reign: the number of the reign in which it is asked
    """

    reign: bytes

    def ask(self, request: bytes, convert: Convert = None, script: Script | None = None) -> Deferred[Any]: ...


class Ears(Protocol):
    """What subscribes. Each list has a Deferred for each name, which fires when it is confirmed, or never."""

    def subscribe_to(self, channels: list[bytes]) -> list[Deferred[None]]: ...

    def subscribe_to_bus(self, channels: list[bytes]) -> list[Deferred[None]]: ...

    def subscribe_to_patterns(self, patterns: list[bytes]) -> list[Deferred[None]]: ...

    def leave(self, channels: list[bytes]) -> None: ...

    def leave_bus(self, channels: list[bytes]) -> None: ...

    def leave_patterns(self, patterns: list[bytes]) -> None: ...


class OneRedis(Protocol):
    """One Redis, or one partition of a cluster, as this node uses it: `shard.Shard`."""

    consumer: Consumer
    ready: bool
    open: bool
    prefix: bytes

    @property
    def command(self) -> Commands | None: ...

    @property
    def subscriber(self) -> Ears | None: ...

    @property
    def reign(self) -> bytes: ...

    def ask(self, *parts: bytes, convert: Convert = None) -> Deferred[Any]: ...

    def call(self, script: Script, keys: Sequence[bytes], values: Sequence[bytes]) -> bytes: ...

    def run(
        self, script: Script, keys: Sequence[bytes], values: Sequence[bytes], convert: Convert
    ) -> Deferred[Any]: ...

    def later(self, function: Any, size: int | None = 0) -> Deferred[Any]: ...

    def changes(self, key: bytes) -> None: ...

    def history_keys(self, channel: str) -> tuple[bytes, bytes]: ...

    def meta_request(self, channel: str) -> bytes: ...

    def give_up(self, reason: str) -> None: ...
