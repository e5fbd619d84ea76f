"""Chains that fail on one connection. A filter that raises ends the connection: fail closed."""

from twisted.logger import Logger
from twisted.python.failure import Failure

from filtered_websocket.chain.failures import culprit, raised_at
from filtered_websocket.chain.outcomes import CANCELLED, outcome, report
from filtered_websocket.connection.autobahn import CLOSED, CONNECTING
from filtered_websocket.connection.parts import Part
from filtered_websocket.errors import Close, NotAllowed, Reject, StopChain, StorageAway

_log = Logger()


class Failing(Part):
    """What becomes of a connection whose chain has been ended by an exception."""

    def wait_failed(self, failure: Failure) -> None:
        """A chain that was awaited has failed. One that was cancelled because the client has left has not."""
        if self.state != CLOSED or not failure.check(*CANCELLED):
            self.failed(failure.value)  # type: ignore[arg-type]  # None only while a Failure is pickled

    def failed(self, error: BaseException) -> None:
        """A chain has been ended by an exception."""
        try:
            self._end_for(error)
        finally:
            # Its frames hold the message, and they hold it: what a client's errors have in memory would wait for the
            # collector of cycles.
            error.__traceback__ = None

    def _end_for(self, error: BaseException) -> None:
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
        try:
            self._close_or_abort(meant.code, meant.reason)
        except ValueError as unsendable:
            name = culprit(error)
            self.factory.counters.count("failed", "filter", name)
            _log.error("{name}: {unsendable}{place}", name=name, unsendable=unsendable, place=raised_at(error))
            self.close(1011)

    def _close_or_abort(self, code: int, reason: str) -> None:
        if self.http is not None:
            self.http.loseConnection()
            return
        if self.state == CONNECTING:
            # Only a data filter runs this early: the client gets an HTTP answer.
            text, status = ("Internal Server Error", 500) if code == 1011 else ("Forbidden", 403)
            self.refuse(text, status, "a data filter")
            return
        self.close(code, reason)
