"""Opened once, closed once: every connection that was opened has one connect chain and one disconnect chain."""

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.ending import run_to_the_end
from filtered_websocket.chain.failures import check_greeting
from filtered_websocket.chain.outcomes import CANCELLED, report
from filtered_websocket.chain.running import run
from filtered_websocket.connection.autobahn import CLOSED, CONNECTING, OPEN
from filtered_websocket.connection.parts import Part
from filtered_websocket.limits.pace import Pace


class Lifecycle(Part):
    """How a connection begins and ends."""

    def connectionMade(self) -> None:
        self.watch_transport()
        super().connectionMade()
        if self.factory.only_pipeline is not None:
            self.pipeline = self.factory.only_pipeline

    def onOpenHandshakeTimeout(self) -> None:
        self.openHandshakeTimeoutCall = None
        # What has come while the reactor was held is read before it is judged.
        self.factory.reactor.callLater(0, self._too_late)

    def _too_late(self) -> None:
        decided_later = self.decision is not None and self.decision.running is not None
        if self.state != CONNECTING or decided_later or self.openHandshakeTimeoutCall is not None:
            return
        if self.is_welcome():
            self.factory.counters.count("refused", "handshake_timeout")
        super().onOpenHandshakeTimeout()

    def onOpen(self) -> None:
        self.forget_handshake()
        self.opened = True
        pipeline = self.pipeline
        self.began = now = self.factory.reactor.seconds()
        self.pace = Pace.of(pipeline.options, now)
        self.message_limit = pipeline.options.max_message_size
        if self.message_limit != self.maxMessagePayloadSize:
            self.maxMessagePayloadSize = self.message_limit
        former: Any = pipeline.users.setdefault(self.id, self)  # which are connections as this one, all of them
        if former is not self:
            self._succeed(former)
        self.redirect()
        self.factory.connection_opened(self)
        chain = pipeline.chains["connect"]
        if not chain:
            return
        try:
            result = run(chain, self, None)
        except BaseException as error:
            self.failed(error)
            return
        if result is not None:
            awaited = result if isinstance(result, Deferred) else succeed(result)
            self.wait_for(awaited.addCallback(check_greeting, chain))

    def _succeed(self, former: Part) -> None:
        """Take the place of an earlier connection of the same id: in each channel there is one of an id."""
        self.pipeline.users[self.id] = self
        if former.state == OPEN:
            self.factory.counters.count("closed", "id taken by a later connection", former.request.peer)
            former.close(1008, "id taken by a later connection")

    # Closing.

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close with a code and a reason, after what was sent and published before. Before the 101: refuse with 403.

        :raises ValueError: a code that may not be sent
        """
        self.send_close(code, reason)
        if self.state == CONNECTING:
            self.refuse("Forbidden", 403, "closed by a filter")
        self.resume()

    def sendCloseFrame(self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False) -> None:
        if self.opened and self.state == OPEN:
            self._send_all_held()
        super().sendCloseFrame(code, reasonUtf8, isReply)
        # Nothing may follow a close frame: off the fast road.
        self.redirect()

    def _fail_connection(self, code: int = 1001, reason: str = "going away") -> None:
        if self.state == OPEN:
            self.factory.counters.count("closed", f"protocol error {code}", f"{self.request.peer}: {reason}")
        super()._fail_connection(code, reason)

    def say_farewell(self) -> None:
        """End as the pipeline's protocol has it, because the server does."""
        farewell = self.pipeline.farewell
        if farewell is not None:
            self.close(*farewell)
        elif self.state == OPEN:
            self._send_all_held()
            self.wasNotCleanReason = "server is stopping"
            self.dropConnection()
            self.resume()

    def _send_all_held(self) -> None:
        """Send what was sent and published before; of what waits for a slow client nothing is lost now."""
        self.pipeline.hub.settle(self)
        self.uncork()
        self.write_backlog()

    def ping_timed_out(self) -> None:
        self.factory.counters.count("closed", "ping timeout", self.request.peer)
        self.wasNotCleanReason = "no answer to a ping"
        self.abortConnection()

    def too_slow(self, reason: str) -> None:
        """The client reads more slowly than its limits allow."""
        self.factory.counters.count("closed", "slow client", f"{self.request.peer}: {reason}")
        self.corked = b""  # lost with all that waits
        self.wasNotCleanReason = f"slow client: {reason}"
        self.abortConnection()

    def dropConnection(self, abort: bool = False) -> None:
        """Autobahn's way to end without a closing handshake."""
        self.uncork()
        super().dropConnection(abort)
        self.redirect()

    def abortConnection(self) -> None:
        """End the connection now; what waits is lost. The disconnect chain runs."""
        # What is held back does not wait for the client, only for the turn's end.
        self.uncork()
        self.droppedByMe = True
        # The transport takes a turn to end: nothing is to be sent, counted or judged too slow meanwhile.
        self.state = CLOSED
        self.redirect()
        self.transport.abortConnection()

    # The end.

    def lose_transport(self) -> None:
        """The peer has ended the connection: so does everything that lies on it."""
        (self.stream or self.transport).connectionLost(Failure(ConnectionDone()))

    def connectionLost(self, reason: Any = ConnectionDone) -> None:
        self.leave_transport()
        self.factory.admission.leave(self)
        self.forget_waiting()
        self.current_frame = None  # what has come of it is not kept for as long as somebody keeps this connection
        # A filter that is cancelled can tell from it that there is no client left; the disconnect chain comes after it.
        self.state = CLOSED
        for running in (self.running, None if self.decision is None else self.decision.running):
            if running is not None:
                running.cancel()
        if self.http is None:
            super().connectionLost(reason)
        else:
            self.http.connectionLost(reason)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        if not self.opened:
            return
        self.opened = False
        self.waits = False
        if self.closedByMe or self.failedByMe:
            self.close_code = self.localCloseCode
            self.close_reason = (self.localCloseReason or b"").decode()
        elif wasClean:
            self.close_code = 1005 if self.remoteCloseCode is None else self.remoteCloseCode
            self.close_reason = self.remoteCloseReason or ""
        else:
            self.close_code, self.close_reason = 1006, self.wasNotCleanReason or ""
        pipeline, channels = self.pipeline, tuple(self.channels)
        # A later connection may have been given the same id by a handshake filter.
        if pipeline.users.get(self.id) is self:
            del pipeline.users[self.id]
        for channel in channels:
            pipeline.unsubscribe(channel, self)
        # The disconnect chain may ask where it was.
        self.channels = frozenset(channels)
        if pipeline.chains["disconnect"]:
            self.factory.ending(start(self._disconnected()))
        # Last: a server that stops waits for no connection any more, but for the chains it knows of.
        self.factory.connection_closed(self)

    async def _disconnected(self) -> None:
        await run_to_the_end(self, self._end_failed)

    def _end_failed(self, error: BaseException) -> None:
        if not (self.factory.stopping and isinstance(error, CANCELLED)):  # cut off, and counted
            report(self.factory.counters, error)
