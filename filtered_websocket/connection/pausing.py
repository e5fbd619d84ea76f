"""Chains that wait, and chains that fail, on one connection.

While a filter is awaited, or a client is above its rate, nothing of the connection is parsed: the bytes wait, in order.
A few are read ahead, the others wait in the kernel. A filter that raises ends the connection: fail closed.

A client that leaves meanwhile has left:

1. The end of the stream is seen: by reading, or, while that pauses, by the transport, which calls `transport_ended`.
   The filter is cancelled; what the client sent and no filter has seen is dropped and counted.
2. A close frame is seen among what was read ahead. What was sent before it has a moment to be handled, since a client
   may send and close in one breath; then it is dropped as above, and the close frame is answered. (Not where there are
   data filters: what their bytes mean only shows behind them.)
3. A connection that has had its share of a turn waits for nothing but its turns, which come soon: it handles what was
   sent before the end, for that moment too.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.outcomes import CANCELLED, outcome, report
from filtered_websocket.chain.running import limit_time
from filtered_websocket.connection.autobahn import CLOSED, CONNECTING, OPEN
from filtered_websocket.connection.handshake import MAX_HELD, Handshake
from filtered_websocket.connection.sending import Backpressure
from filtered_websocket.errors import Close, NotAllowed, Reject, StopChain, StorageAway
from filtered_websocket.messages import frames

_log = Logger()

LEAVE_SECONDS = 0.5
"""What was sent before a close frame has so long to be handled."""


class Awaiting(Backpressure, Handshake):
    """A connection whose filters may take their time."""

    _running: Deferred[Any] | None = None
    _waiting: bool
    resting = False
    """Whether it is its share of the turn that is used up."""
    _held = b""
    """Bytes that came while a filter was awaited, before any data filter has seen them."""
    _paused = False
    _ahead: int | None = None
    """How far the bytes in `data` have been looked through for a close frame; None: not yet."""
    _leaving: Any = None
    """The moment that a client's end leaves to what was sent before it."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a code and a reason, after what was sent and published before. Before the 101: refuse with 403.

        :raises ValueError: a code that may not be sent
        """
        self.send_close(code, reason)
        if self.state == CONNECTING:
            self._refusal = ("closed by a filter", ())
            self.failHandshake("Forbidden", 403)
        self._end_wait()

    def _wait(self, result: Deferred[Any]) -> None:
        """Let the run of a chain go on by itself; until it ends, nothing more of this connection is parsed."""
        if result.called and not isinstance(result.result, Deferred):
            result.addErrback(self._awaited_failed)
            return
        self._running = result
        if self.state in (OPEN, CONNECTING) or self.http is not None:
            self._waiting = True
        limit_time(result, self.pipeline.options.filter_timeout, self.factory.reactor)
        result.addErrback(self._awaited_failed)
        result.addBoth(self._awaited, result)

    def _awaited(self, _: Any, result: Deferred[Any]) -> None:
        if self._running is result:
            self._running = None
            self._end_wait()

    def _end_wait(self) -> None:
        if not self._waiting:
            return
        self._waiting = False
        self._ahead = None
        data, self.data = self.data, b""
        if data:
            self.feed(data)
        if self._held and not self._waiting:
            held, self._held = self._held, b""
            self.dataReceived(held)
        # Also on a connection that is closing: its close reply is yet to be read, and TLS needs to read to close.
        if self._paused and not self._waiting and self.transport is not None and self.transport.connected:
            self._paused = False
            self.transport.resumeProducing()

    def pause(self) -> None:
        """Read nothing more for now."""
        self._paused = True
        self.transport.pauseProducing()

    def hold(self, data: bytes) -> None:
        """Keep what came while something is waited for."""
        if self._held or self.factory.has_data_filters:
            self._held += data
        else:
            self.data += data
        if not self._paused and len(self.data) + len(self._held) >= MAX_HELD:
            self.pause()
        self.look_ahead()

    # The end of the client while something is waited for.

    def _next_frame(self) -> int:
        """Where in `data` the next frame begins."""
        frame = self.current_frame
        return 0 if frame is None else frame.length - self.current_frame_masker.pointer()

    def look_ahead(self) -> None:
        """See whether a close frame is among what waits."""
        if self.state != OPEN or self.resting or self._leaving is not None or self.factory.has_data_filters:
            return
        begin = self._next_frame() if self._ahead is None else self._ahead
        self._ahead, found = frames.close_ahead(self.data, begin)
        if found:
            self._leaving = self.factory.reactor.callLater(LEAVE_SECONDS, self._leave)

    def _leave(self) -> None:
        """What was sent before the close frame has had its time."""
        self._leaving = None
        at, found = frames.close_ahead(self.data, self._next_frame())
        if self.state != OPEN or not self._waiting or not found:
            return
        if at:
            self.unheard()
        data, self.data = self.data[at:], b""
        self._waiting, self.current_frame = False, None
        self.feed(data)
        if self.state != OPEN and self._running is not None:
            self._running.cancel()

    def transport_ended(self) -> None:
        """The client has closed or reset the connection, and reading pauses."""
        if not self.resting:
            self.lose_transport()
        elif self._leaving is None:
            self._leaving = self.factory.reactor.callLater(LEAVE_SECONDS, self._end_rest)

    def _end_rest(self) -> None:
        self._leaving = None
        if self._waiting:
            self.lose_transport()
        # Else reading goes on, and finds the end.

    def unheard(self) -> None:
        """Count what a client has sent before its end, and no filter has seen."""
        self.factory.counters.count("dropped", "sent by a client that has left")

    def _awaited_failed(self, failure: Failure) -> None:
        if self.state != CLOSED or not failure.check(*CANCELLED):
            self._failed(failure.value)  # type: ignore[arg-type]  # None only while a Failure is pickled

    def _failed(self, error: BaseException) -> None:
        """A chain of this connection has been ended by an exception."""
        known: tuple[type[BaseException], ...] = (StopChain, Close, Reject, StorageAway)
        if self.opened:
            known += (NotAllowed,)
        if self.state == CLOSED:
            known += CANCELLED
        meant = outcome(error, known)
        if meant.code is None:
            return
        if meant.failed:
            report(self.factory.counters, error)
        elif meant.counted:
            self.factory.counters.count("closed", meant.counted, self.request.peer if self.opened else "")
        self._close_or_abort(meant.code, meant.reason)

    def _close_or_abort(self, code: int, reason: str) -> None:
        if self.http is not None:
            self.http.loseConnection()
            return
        if self.state == CONNECTING:
            # Only a data filter runs this early: the client gets an HTTP answer.
            self._refusal = ("a data filter", ())
            self.failHandshake("Internal Server Error" if code == 1011 else "Forbidden", 500 if code == 1011 else 403)
            return
        try:
            self.close(code, reason)
        except ValueError as error:
            _log.error("a filter closed a connection with a code that may not be sent: {error}", error=error)
            self.close(1011)
