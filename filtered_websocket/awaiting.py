"""Chains that wait, and chains that fail, on one connection.

While a filter is awaited, nothing of its connection is parsed and reading pauses: the bytes wait, in order, mostly in
the kernel. A filter that raises ends the connection: fail closed.
"""

import asyncio
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.backpressure import Backpressure
from filtered_websocket.errors import Close, NotAllowed, Reject, StopChain
from filtered_websocket.handshake import Handshake
from filtered_websocket.storage_objects.base import StorageAway
from filtered_websocket.tracebacks import culprit, limit_time, users_traceback
from filtered_websocket.websocket import CLOSED, CONNECTING, OPEN

_log = Logger()


class Awaiting(Backpressure, Handshake):
    """A connection whose filters may take their time."""

    _running: Deferred[Any] | None = None
    _waiting: bool
    _held = b""
    """Bytes that came while a filter was awaited, before any data filter has seen them."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a code and a reason, after what was sent and published before. Before the 101: refuse with 403.

        :raises ValueError: a code that may not be sent
        """
        self.send_close(code, reason)
        if self.state == CONNECTING:
            self._refusal = ("closed by a filter", ())
            self.failHandshake("Forbidden", 403)
        self._end_wait()

    def feed(self, data: bytes) -> None:
        """Parse bytes that have passed the data chain."""
        raise NotImplementedError

    def _wait(self, result: Deferred[Any]) -> None:
        """Let the run of a chain go on by itself; until it ends, nothing more of this connection is parsed."""
        if result.called and not isinstance(result.result, Deferred):
            result.addErrback(self._awaited_failed)
            return
        self._running = result
        if self.state in (OPEN, CONNECTING) or self.http is not None:
            self._waiting = True
            self.transport.pauseProducing()
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
        data, self.data = self.data, b""
        if data:
            self.feed(data)
        if self._held and not self._waiting:
            held, self._held = self._held, b""
            self.dataReceived(held)
        # Also on a connection that is closing: its close reply is yet to be read, and TLS needs to read to close.
        if not self._waiting and self.transport is not None and self.transport.connected:
            self.transport.resumeProducing()

    def _awaited_failed(self, failure: Failure) -> None:
        if self.state != CLOSED or not failure.check(CancelledError, asyncio.CancelledError):
            self._failed(failure.value)  # type: ignore[arg-type]  # None only while a Failure is pickled

    def _failed(self, error: BaseException) -> None:
        """A chain of this connection has been ended by an exception."""
        if isinstance(error, StopChain):
            return
        if isinstance(error, Close):
            self._close_or_abort(error.code, error.reason)
            return
        if isinstance(error, Reject):
            self._close_or_abort(1008, error.reason)
            return
        if isinstance(error, StorageAway):
            self.factory.counters.count("closed", "the storage object is away")
            self._close_or_abort(1013, "try again later")
            return
        if isinstance(error, NotAllowed) and self.opened:
            # What the client chose: no fault of the filter's, and no traceback each time.
            self.factory.counters.count("closed", error.reason, self.request.peer)
            self._close_or_abort(1008, str(error))
            return
        if not isinstance(error, (CancelledError, asyncio.CancelledError)) or self.state != CLOSED:
            self.factory.counters.count("failed", "filter", culprit(error))
            _log.error("{trace}", trace=users_traceback(error))
        self._close_or_abort(1011, "")

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
