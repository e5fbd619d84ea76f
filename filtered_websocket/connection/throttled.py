"""A connection that may send so many messages and bytes per second.

Servers whose pipelines set no rate make plain connections, which know nothing of this.

Messages are counted when they are complete, bytes as they come, frame headers, control frames and fragments included.
Whoever sends more for a while uses up what was saved; then, by ``over_rate``:

``wait``
    nothing more of him is read until the debt is paid. Nothing is lost, TCP slows him down, and his ping clock stands.
``close``
    he is closed with 1008; the message that was too much is not handled.
"""

from typing import Any

from filtered_websocket.connection.autobahn import OPEN
from filtered_websocket.connection.connection import Connection
from filtered_websocket.limits.rates import Bucket

BURST_SECONDS = 5
"""So many seconds' worth may come at once."""
MIN_WAIT = 0.1
"""Seconds: a shorter wait would set a timer for every message."""


class ThrottledConnection(Connection):
    """One client with a rate."""

    _messages: Bucket | None = None
    _bytes: Bucket | None = None
    _timer: Any = None

    def onOpen(self) -> None:
        options, now = self.pipeline.options, self.factory.reactor.seconds()
        if options.message_rate:
            self._messages = Bucket(options.message_rate, options.message_rate * BURST_SECONDS, now)
        if options.byte_rate:
            self._bytes = Bucket(options.byte_rate, options.byte_rate * BURST_SECONDS, now)
        super().onOpen()

    def dataReceived(self, data: bytes) -> None:
        over = self._bytes is not None and not self._bytes.spend(len(data), self.factory.reactor.seconds())
        if over and not self._closed_for("byte_rate"):
            super().dataReceived(data)
            self._pause("byte_rate")
        else:
            # Also when it is closing: its close reply may be there.
            super().dataReceived(data)

    def _received(self, payload: bytearray, binary: bool) -> None:
        if self._messages is None or self._messages.spend(1, self.factory.reactor.seconds()):
            super()._received(payload, binary)
        elif not self._closed_for("message_rate"):
            super()._received(payload, binary)
            self._pause("message_rate")

    def _closed_for(self, reason: str) -> bool:
        if self.state != OPEN or self.pipeline.options.over_rate != "close":
            return False
        self.factory.counters.count("closed", reason, self.request.peer)
        self.close(1008, reason)
        return True

    def _pause(self, reason: str) -> None:
        if self.state == OPEN:
            self.factory.counters.count("slowed", reason, self.request.peer)
            if not self._waiting:
                self._waiting = True
                self._end_wait()

    def _end_wait(self) -> None:
        # Whatever else it waited for is over: is the debt paid?
        if self._timer is not None and self._timer.active():
            if self.state == OPEN:
                return
            self._timer.cancel()
        debt = self._debt() if self._waiting and self.state == OPEN else 0
        if debt:
            self._timer = self.factory.reactor.callLater(max(MIN_WAIT, debt), self._end_wait)
        else:
            super()._end_wait()

    def _debt(self) -> float:
        now = self.factory.reactor.seconds()
        return max([each.debt(now) for each in (self._messages, self._bytes) if each is not None], default=0.0)

    def connectionLost(self, reason: Any = None) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        super().connectionLost(reason)
