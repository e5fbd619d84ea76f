"""The connection to one Redis that subscribes."""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.storage_objects.redis.command import command
from filtered_websocket.storage_objects.redis.connection import RedisConnection


class SubscriberConnection(RedisConnection):
    """For subscribing. What uses it sets ``arrived`` and ``arrived_by_pattern``, which gets the pattern first."""

    arrived: Callable[[bytes, bytes], None]
    arrived_by_pattern: Callable[[bytes, bytes, bytes], None]

    def __init__(self) -> None:
        super().__init__()
        self._confirming: deque[Deferred[None]] = deque()

    def subscribe_to(self, channels: list[bytes]) -> list[Deferred[None]]:
        """A Deferred for each, which fires when Redis has confirmed it, and never if the connection ends before."""
        return self._subscribe(b"SUBSCRIBE", channels)

    def subscribe_to_bus(self, channels: list[bytes]) -> list[Deferred[None]]:
        return self._subscribe(b"SUBSCRIBE", channels)

    def subscribe_to_patterns(self, patterns: list[bytes]) -> list[Deferred[None]]:
        return self._subscribe(b"PSUBSCRIBE", patterns)

    def leave(self, channels: list[bytes]) -> None:
        self._write(b"UNSUBSCRIBE", channels)

    def leave_bus(self, channels: list[bytes]) -> None:
        self._write(b"UNSUBSCRIBE", channels)

    def leave_patterns(self, patterns: list[bytes]) -> None:
        self._write(b"PUNSUBSCRIBE", patterns)

    def _subscribe(self, verb: bytes, names: list[bytes]) -> list[Deferred[None]]:
        confirmed: list[Deferred[None]] = [Deferred() for _ in names]
        self._confirming.extend(confirmed)
        self._write(verb, names)
        return confirmed

    def _write(self, verb: bytes, names: list[bytes]) -> None:
        if self.connected and names:
            self.transport.write(command(verb, *names))

    def replyReceived(self, reply: Any) -> None:
        if isinstance(reply, list) and len(reply) == 3:
            kind = reply[0]
            if kind == b"message":
                self.arrived(reply[1], reply[2])
                return
            if kind in (b"subscribe", b"psubscribe"):
                self._confirming.popleft().callback(None)
                return
            if kind in (b"unsubscribe", b"punsubscribe"):
                return
        if isinstance(reply, list) and len(reply) == 4 and reply[0] == b"pmessage":
            self.arrived_by_pattern(*reply[1:])
            return
        if isinstance(reply, Exception) and not self._waiting:
            # An error in place of a confirmation, such as NOPERM: order is lost, and the reason is worth a line.
            self.link.refused(str(reply))
            self.link.abort()
            return
        super().replyReceived(reply)
