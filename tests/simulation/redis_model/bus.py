"""Publish and subscribe."""

from typing import Protocol

from tests.simulation.redis_model.answers import encoded
from tests.simulation.redis_model.patterns import matching


class Listener(Protocol):
    def tell(self, data: bytes) -> None: ...


class Bus:
    """
    :ivar channels: names and those that subscribe to each
    :ivar patterns: the same for patterns
    :ivar shard_channels: the same for sharded channels, which hear nothing else
    """

    def __init__(self) -> None:
        self.channels: dict[bytes, dict[Listener, None]] = {}
        self.patterns: dict[bytes, dict[Listener, None]] = {}
        self.shard_channels: dict[bytes, dict[Listener, None]] = {}

    def publish(self, channel: bytes, data: bytes) -> int:
        """How many are told."""
        told = self._tell(self.channels.get(channel, {}), encoded([b"message", channel, data]))
        for pattern, listeners in self.patterns.items():
            if matching(pattern).match(channel):
                told += self._tell(listeners, encoded([b"pmessage", pattern, channel, data]))
        return told

    def publish_in_shard(self, channel: bytes, data: bytes) -> int:
        return self._tell(self.shard_channels.get(channel, {}), encoded([b"smessage", channel, data]))

    @staticmethod
    def _tell(listeners: dict[Listener, None], message: bytes) -> int:
        for listener in listeners:
            listener.tell(message)
        return len(listeners)

    def listens(self, listener: Listener) -> bool:
        return any(
            listener in listeners
            for kind in (self.channels, self.patterns, self.shard_channels)
            for listeners in kind.values()
        )

    def forget(self, listener: Listener) -> None:
        """It has gone."""
        for kind in (self.channels, self.patterns, self.shard_channels):
            for name in [name for name, listeners in kind.items() if listener in listeners]:
                leave(kind, name, listener)


def leave(kind: dict[bytes, dict[Listener, None]], name: bytes, listener: Listener) -> None:
    listeners = kind.get(name, {})
    listeners.pop(listener, None)
    if not listeners:
        kind.pop(name, None)
