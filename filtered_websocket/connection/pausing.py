"""Why a connection is not read now: a filter is awaited, its share of the turn is used up, or it is above its rate.

Meanwhile nothing of it is parsed: the bytes wait, in order. A few are read ahead, the others wait in the kernel.

A client that leaves meanwhile has left:

1. The end of the stream is seen: by reading, or, while that pauses, by the transport, which calls `transport_ended`.
   The filter is cancelled; what the client sent and no filter has seen is dropped and counted.
2. A close frame is seen among what was read ahead. What was sent before it has a moment to be handled, since a client
   may send and close in one breath; then it is dropped as above, and the close frame is answered. (Not where there are
   data filters: what their bytes mean only shows behind them.)
3. A connection that has had its share of a turn waits for a later turn alone, which comes soon: it handles what was
   sent before the end, for that moment too.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from filtered_websocket.chain.clock import DelayedCall
from filtered_websocket.chain.running import limit_time
from filtered_websocket.connection.autobahn import CONNECTING, OPEN
from filtered_websocket.connection.handshake import MAX_HELD
from filtered_websocket.connection.parts import Part
from filtered_websocket.limits.pace import Pace
from filtered_websocket.messages import frames
from filtered_websocket.messages.partial_frame import PartialFrame

_log = Logger()

LEAVE_SECONDS = 0.5
"""What was sent before a close frame has so long to be handled."""
MIN_WAIT = 0.1
"""Seconds that a client above its rate waits at least: less would set a timer for every message."""


class Pausing(Part):
    """A connection that is not always read."""

    waits: bool
    """Whether what comes waits, for whatever reason."""
    yielded = False
    """Whether it waits because its share of the turn is used up."""
    running: Deferred[Any] | None = None
    """The chain of which a filter is awaited."""
    pace: Pace | None
    """The client's rates, None where there are none."""
    held = b""
    """Bytes that came while it waited, before any data filter has seen them."""
    _stopped_reading = False
    _paid: DelayedCall | None = None
    """When the client is within its rates again."""
    _ahead: int | None = None
    """How far the bytes in `data` have been looked through for a close frame; None: not yet."""
    _leaving: DelayedCall | None = None
    """The moment that a client's end leaves to what was sent before it."""

    # The reasons.

    def wait_for(self, result: Deferred[Any]) -> None:
        """Let the run of a chain go on by itself; until it ends, nothing more of this connection is parsed."""
        if result.called and not isinstance(result.result, Deferred):
            result.addErrback(self.wait_failed)
            return
        self.running = result
        if self.state in (OPEN, CONNECTING) or self.http is not None:
            self.waits = True
        limit_time(result, self.pipeline.options.filter_timeout, self.factory.reactor, self.pipeline.storage_object)
        result.addErrback(self.wait_failed)
        result.addBoth(self._waited, result)

    def _waited(self, _: Any, result: Deferred[Any]) -> None:
        if self.running is result:
            self.running = None
            self.resume()

    def yield_turn(self) -> None:
        """Go on in a later turn."""
        self.waits = self.yielded = True
        self._stop_reading()
        self.factory.fair_share.add(self)

    def proceed(self) -> None:
        """Handle what waits, or a part of it again."""
        if not self.yielded:
            return
        self.yielded = False
        try:
            self.resume()
        except Exception:
            # As the reactor does with a protocol that raises while it reads.
            _log.failure("a connection has failed")
            self.abortConnection()

    def is_over(self, pace: Pace, limit: str, size: int = 0) -> bool:
        """Count what has come; whether it is above this rate, and the client is to be slowed down for it. Where the
        option over_rate says so, it is closed instead."""
        now = self.factory.reactor.seconds()
        if pace.admits_bytes(size, now) if limit == "byte_rate" else pace.admits_message(now):
            return False
        if self.state == OPEN and pace.closes:
            self.factory.counters.count("closed", limit, self.request.peer)
            self.close(1008, limit)
            return False
        return True

    def slow_down(self, limit: str) -> None:
        """Read nothing more until the client is within its rates again."""
        if self.state == OPEN:
            self.factory.counters.count("slowed", limit, self.request.peer)
            if not self.waits:
                self.waits = True
                self.resume()

    def _owes(self, pace: Pace) -> bool:
        """Whether the client is above its rates yet: then what waits goes on waiting."""
        if self._paid is not None and self._paid.active():
            if self.state == OPEN:
                return True
            self._paid.cancel()
        debt = pace.debt(self.factory.reactor.seconds()) if self.waits and self.state == OPEN else 0
        if debt:
            self._paid = self.factory.reactor.callLater(max(MIN_WAIT, debt), self.resume)
        return bool(debt)

    # The end of waiting.

    def resume(self) -> None:
        """Handle what has come, since the reason not to is over, unless there is another."""
        if (self.pace is not None and self._owes(self.pace)) or not self.waits:
            return
        self.waits = False
        self._ahead = None
        data, self.data = self.data, b""
        if data:
            self.feed(data)
        if self.held and not self.waits:
            held, self.held = self.held, b""
            self.filter_data(held)
        # Also on a connection that is closing: its close reply is yet to be read.
        if self._stopped_reading and not self.waits and self.transport is not None and self.transport.connected:
            self._stopped_reading = False
            self.transport.resumeProducing()

    def _stop_reading(self) -> None:
        self._stopped_reading = True
        self.transport.pauseProducing()

    def hold(self, data: bytes) -> None:
        """Keep what came while something is waited for."""
        if self.held or self.factory.has_data_filters:
            self.held += data
        else:
            self.data += data
        if not self._stopped_reading and len(self.data) + len(self.held) >= MAX_HELD:
            self._stop_reading()
        self.look_ahead()

    def standing_still(self) -> bool:
        """Whether the clock of pings stands."""
        return self.waits or self.slow is not None

    def forget_waiting(self) -> None:
        """The connection is lost: nothing is waited for any more."""
        for call in (self._leaving, self._paid):
            if call is not None and call.active():
                call.cancel()
        self._leaving = self._paid = None
        if self.waits and self.state == OPEN and (self.data or self.held):
            self._unheard()

    # The end of the client while something is waited for.

    def _next_frame(self) -> int:
        """Where in `data` the next frame begins."""
        frame = self.current_frame
        if isinstance(frame, PartialFrame):
            return frame.missing
        return 0 if frame is None else int(frame.length - self.current_frame_masker.pointer())

    def look_ahead(self) -> None:
        """See whether a close frame is among what waits."""
        if self.state != OPEN or self.yielded or self._leaving is not None or self.factory.has_data_filters:
            return
        begin = self._next_frame() if self._ahead is None else self._ahead
        self._ahead, found = frames.close_ahead(self.data, begin)
        if found:
            self._leaving = self.factory.reactor.callLater(LEAVE_SECONDS, self._leave)

    def _leave(self) -> None:
        """What was sent before the close frame has had its time."""
        self._leaving = None
        at, found = frames.close_ahead(self.data, self._next_frame())
        if self.state != OPEN or not self.waits or not found:
            return
        if at:
            self._unheard()
        data, self.data = self.data[at:], b""
        self.waits, self.current_frame = False, None
        self.feed(data)
        if self.state != OPEN and self.running is not None:
            self.running.cancel()

    def transport_ended(self) -> None:
        """The client has closed or reset the connection, and reading pauses."""
        if not self.yielded:
            self.lose_transport()
        elif self._leaving is None:
            self._leaving = self.factory.reactor.callLater(LEAVE_SECONDS, self._leave_ended)

    def _leave_ended(self) -> None:
        self._leaving = None
        if self.waits:
            self.lose_transport()
        # Else reading goes on, and finds the end.

    def half_closed(self) -> bool:
        """A client has closed its side: whether the connection stays. For a WebSocket that is the end."""
        if self.waits and (self.http is not None or self.asks_http):
            # Of what a data filter has: the end is read again behind it.
            self._stopped_reading = True
            return True
        return self.http is not None and self.http.half_closed()

    def _unheard(self) -> None:
        """Count what a client has sent before its end, and no filter has seen."""
        self.factory.counters.count("dropped", "sent by a client that has left")
