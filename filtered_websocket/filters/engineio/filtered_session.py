"""A session that is to filters what a connection is, since no connection of its own stands for it.

Its request runs through the handshake chain, the messages of its client through the message chain. It has one connect
and one disconnect chain, is among the users of its pipeline, and counts for the server's limits.
"""

from collections.abc import Iterable, MutableMapping, Sequence
from typing import Any, cast

from twisted.internet.defer import CancelledError, Deferred

from filtered_websocket.chain.channels import Insufficient
from filtered_websocket.chain.deferreds import DONE, start
from filtered_websocket.chain.ending import run_to_the_end
from filtered_websocket.chain.failures import check_decision
from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.chain.observed import Observable
from filtered_websocket.chain.outcomes import CANCELLED, outcome, report
from filtered_websocket.chain.running import limit_time, run
from filtered_websocket.chain.sessions import run_event
from filtered_websocket.errors import Close, Reject, StopChain, StorageAway
from filtered_websocket.filters.engineio.handover import Handover, id_of
from filtered_websocket.filters.engineio.observed import ObservedSession
from filtered_websocket.filters.engineio.session import Engine, Session
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import Message, messages
from filtered_websocket.messages.publication import Position
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError


class FilteredSession(Observable, Session):
    """
    :param request: the HTTP request that began it
    :ivar opened: the handshake chain has let it in
    :ivar headers: of the answer to that request, as filters have it
    :ivar successor: the connection that it has gone on to, where that is here
    """

    observed_by = ObservedSession
    state = None
    """That of no WebSocket: a connection that takes the place of another of its id closes one that is open."""
    encoding = None
    headers: tuple[tuple[str, str], ...] = ()
    successor: Connection | None = None
    began = 0.0
    token: Any = None
    close_code: int | None = None
    close_reason: str | None = None

    def __init__(self, engine: Engine, sid: str, protocol: int, request: HTTPRequest) -> None:
        super().__init__(engine, sid, protocol)
        self.subscriber = self.session = self
        self.connection = cast("Connection", self)
        self.request = request
        self.channels: set[str] = set()
        self._users = cast("MutableMapping[str, object]", self.pipeline.users)
        self._is_plain = engine.encodings[4] is not None
        self._own = frozenset(vars(self))

    # What a connection has, where a session has it not already.

    @property
    def pending(self) -> int:
        return self.waits if self.successor is None else self.successor.pending

    def accept(self, protocol: str | None = None, headers: Any = ()) -> None:
        """Add headers to the answer; a client that polls offers no subprotocol."""
        if protocol is not None:
            raise ValueError(f"the client offers no subprotocol, such as {protocol!r}")
        found = headers.items() if isinstance(headers, dict) else headers
        self.headers += tuple((str(name), str(value)) for name, value in found)

    def sendMessage(self, payload: Any, isBinary: bool | None = None, *_: Any) -> None:
        if self.successor is not None:
            self.successor.sendMessage(payload, isBinary)
            return
        if self.ended:
            self.pipeline.server.counters.count("dropped", "sent to a closed connection")
            return
        encoding, sent = self.engine.encodings[4], messages(payload, isBinary)
        self.send(*(sent if encoding is None else encoding.encode(sent, None)))

    def send_encoded(self, messages: Sequence[Message], behind: bool = True) -> None:
        """Send packets as they are: what was published before waits in front of them anyway."""
        self.send(*messages)

    def subscribe(
        self,
        channel: str,
        since: Position | None = None,
        last: int | None = None,
        insufficient: Insufficient | None = None,
    ) -> Deferred[Any]:
        if self.successor is not None:
            return self.successor.subscribe(channel, since, last, insufficient)
        if self.ended:
            return DONE
        if since is None and last is None and insufficient is None:
            return self.pipeline.subscribe(channel, self)
        told = insufficient or (lambda position: self.loseConnection())
        return self.pipeline.recover(channel, self, since, last=last, insufficient=told)

    def unsubscribe(self, channel: str) -> Deferred[Any]:
        return self.pipeline.unsubscribe(channel, self.successor or self)

    def publish(self, channel: str | Iterable[str], payload: Any, exclude: Any = None) -> Deferred[Any]:
        return self.pipeline.publish(channel, payload, exclude)

    def loseConnection(self) -> None:
        (self.successor or self).close()

    def abortConnection(self) -> None:
        if self.successor is not None:
            self.successor.abortConnection()
        else:
            self.gone()

    def finish(self, blob: bytes, sent: int) -> None:
        """Nothing is ever sent directly."""

    def deliver(self, batch: Batch, policy: str) -> None:
        raise NotImplementedError

    async def begin(self) -> None:
        """Let it in, and greet.

        :raises HTTPError: the handshake chain refuses it
        """
        pipeline = self.pipeline
        try:
            result = run(pipeline.chains["handshake"], self, self.request)
            if isinstance(result, Deferred):
                limit_time(result, pipeline.options.filter_timeout, pipeline.server.reactor, pipeline.storage_object)
                result = await result
            check_decision(result, self.request, pipeline.chains["handshake"])
        except BaseException as error:
            self._refuse(error)
        self.opened, self.began = True, pipeline.server.reactor.seconds()
        if self.id != id_of(self.sid, self.protocol):
            self._take_name()
        self._users[self.id] = self
        pipeline.server.session_opened(self)
        await self.run("connect")

    def _take_name(self) -> None:
        """A filter has chosen the id: in the pipeline there is one of it."""
        former: Any = self._users.get(self.id)
        self.engine.named[self.id] = self
        if isinstance(former, Session):
            former.succeeded()
        elif former is not None:
            self.pipeline.server.counters.count("closed", "id taken by a later connection", former.request.peer)
            former.close(1008, "id taken by a later connection")

    def _refuse(self, error: BaseException) -> None:
        if isinstance(error, CANCELLED):
            self.gone()  # before it was let in
            raise error
        meant, counters = outcome(error, (StopChain, Close, Reject)), self.pipeline.server.counters
        if not meant.status:
            return
        self.gone()
        if meant.failed:
            report(counters, error, "refused", "a handshake filter failed")
        else:
            counters.count("refused", "a handshake filter", f"{meant.status} {meant.text}")
        raise HTTPError(meant.status, meant.text, meant.headers) from None

    async def run(self, event: str, data: Any = None, binary: bool = False) -> None:
        """Run a chain of the pipeline on this session; one that fails ends it, as it would end a connection."""
        try:
            await run_event(self, event, data, binary=binary)
        except StopChain:
            pass
        except CancelledError:
            self.gone()
        except BaseException as error:
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        counters, meant = self.pipeline.server.counters, outcome(error, (Close, Reject, StorageAway, *CANCELLED))
        if meant.failed:
            report(counters, error)
        elif meant.counted:
            counters.count("closed", meant.counted)
        self.close()

    def succeed(self, connection: Connection) -> None:
        """Filters find on this connection from now on what they have put on the session."""
        self.successor = connection
        for name, value in vars(self).items():
            if name in ("token", "_user") or (name not in self._own and not hasattr(type(self), name)):
                setattr(connection, "user" if name == "_user" else name, value)

    def leave(self) -> Handover:
        if self.ended:
            return super().leave()
        handover = super().leave()
        if self.engine.named.get(self.id) is self:
            del self.engine.named[self.id]
        self.pipeline.server.admission.leave_session(self.sid)
        for channel in tuple(self.channels):
            self.unsubscribe(channel)
        return handover

    def _left(self) -> None:
        """It has left everything: the disconnect chain runs."""
        if self._users.get(self.id) is self:
            del self._users[self.id]
        # Filters see one connection from its begin to its end, however it is carried. ws_emit has always told of two.
        if (self.moves and self._is_plain) or not self.opened:
            return
        self.pipeline.server.ending(start(self._disconnected()))

    def gone_on(self) -> None:
        super().gone_on()
        if self._is_plain and self.opened:
            for told in tuple(self.pipeline.moved_away):
                told(self)

    def lost(self) -> None:
        super().lost()
        if self._is_plain and self.opened:
            self.pipeline.server.ending(start(self._disconnected()))

    async def _disconnected(self) -> None:
        self.close_code, self.close_reason = 1000, ""
        await run_to_the_end(self, self._failed)
