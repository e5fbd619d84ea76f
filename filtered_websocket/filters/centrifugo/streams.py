"""Clients without a WebSocket: what is theirs is the body of a response that goes on.

A stream is one more subscriber of the hub, with the limits and the policies of all. What is published is encoded once
for JSON and once for protobuf, and framed once for each form: lines, protobuf, events.
"""

import secrets
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast
from uuid import uuid4

from twisted.internet.defer import Deferred

from filtered_websocket.chain.channels import Insufficient
from filtered_websocket.chain.failures import check_decision
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.running import run
from filtered_websocket.errors import StopChain
from filtered_websocket.filters.centrifugo.codes import Disconnect
from filtered_websocket.filters.centrifugo.encodings import Encoding
from filtered_websocket.filters.centrifugo.messages import Push
from filtered_websocket.filters.centrifugo.observed import ObservedStream
from filtered_websocket.filters.centrifugo.stream_chains import StreamChains
from filtered_websocket.messages.batch import Batch
from filtered_websocket.messages.message import Message
from filtered_websocket.messages.message import messages as messages_of
from filtered_websocket.messages.publication import Position
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError

if TYPE_CHECKING:
    pass

OPEN = 3
"""As Autobahn has it: one that is open is closed when another connection takes its id."""

Form = Callable[[Sequence[Message]], bytes]
"""Makes bytes of messages."""


def json_lines(messages: Sequence[Message]) -> bytes:
    return b"".join([payload + b"\n" for payload, _ in messages])


def protobuf(messages: Sequence[Message]) -> bytes:
    return b"".join([payload for payload, _ in messages])


def events(messages: Sequence[Message]) -> bytes:
    """Server-sent events."""
    return b"".join([b"data: " + payload + b"\n\n" for payload, _ in messages])


class Writer(Protocol):
    """What writes a stream (`web.stream_writer`)."""

    @property
    def waits(self) -> bool: ...
    @property
    def pending(self) -> int: ...
    def deliver(self, batch: Batch, policy: str) -> None: ...
    def send(self, blob: bytes) -> None: ...
    def complete(self, last: bytes | None = None) -> None: ...


class StreamCarrier(StreamChains):
    """What carries a client on a stream: in place of a connection for the session, for filters and in lists of clients.

    It has the chains that a WebSocket has: what filters in front of the pack let through they let through here.

    :ivar key: what its client shows with each request, which nobody else knows
    :ivar headers: of the response, as filters have it
    :ivar close_code: why it has ended, as the client was told
    """

    observed_by = ObservedStream
    is_stream = True
    pinged = False

    def __init__(self, pipeline: Pipeline, request: HTTPRequest, encoding: Encoding, form: Form) -> None:
        self.pipeline, self.request, self.encoding, self.form = pipeline, request, encoding, form
        self.id, self.key = str(uuid4()), secrets.token_urlsafe(24)
        self.channels: set[str] = set()
        self.headers: tuple[tuple[str, str], ...] = ()
        self.token: Any = None
        self.close_code: int | None = None
        self.close_reason = ""
        self.busy = False
        self.began = 0.0
        self._writer: Writer | None = None
        self._users = cast("MutableMapping[str, object]", pipeline.users)

    async def admit(self) -> None:
        """Let the server's limits and handshake filters decide.

        :raises HTTPError: it may not come in
        :raises Reject: the same
        """
        server = self.pipeline.server
        refused = server.admission.enter_session(self.key, self.request.peer)
        if refused is not None:
            raise HTTPError(refused.status, refused.text, refused.headers)
        try:
            result = run(self.pipeline.chains["handshake"], self, self.request)
            if hasattr(result, "addCallback"):
                result = await result
            check_decision(result, self.request, self.pipeline.chains["handshake"])
        except StopChain:
            pass
        except BaseException:
            server.admission.leave_session(self.key)
            raise

    def accept(self, protocol: str | None = None, headers: Any = ()) -> None:
        """Add headers to the answer; there is no subprotocol."""
        found = headers.items() if isinstance(headers, dict) else headers
        self.headers += tuple((str(name), str(value)) for name, value in found)

    def open(self, writer: Writer) -> None:
        """The head of the response has been sent."""
        self._writer, self.opened = writer, True
        self.began = self.pipeline.server.reactor.seconds()
        former: Any = self._users.get(self.id)
        self._users[self.id] = self
        if former is not None:
            self.pipeline.server.counters.count("closed", "id taken by a later connection", former.request.peer)
            former.close(1008, "id taken by a later connection")
        self.pipeline.server.session_opened(self)

    # What a connection has.

    @property
    def state(self) -> int | None:
        return None if self._writer is None else OPEN

    @property
    def pending(self) -> int:
        return 0 if self._writer is None else self._writer.pending

    def sendMessage(self, payload: Any, isBinary: bool | None = None, *_: Any) -> None:
        if self._writer is None:
            self.pipeline.server.counters.count("dropped", "sent to a closed connection")
        else:
            self.send_encoded(self.encoding.encode(messages_of(payload, isBinary), None))

    def send_together(self, messages: Sequence[Message]) -> None:
        self.send_encoded(messages)

    def subscribe(
        self,
        channel: str,
        since: Position | None = None,
        last: int | None = None,
        insufficient: Insufficient | None = None,
    ) -> Deferred[Any]:
        if since is None and last is None and insufficient is None:
            return self.pipeline.subscribe(channel, self)
        told = insufficient or (lambda position: self.loseConnection())
        return self.pipeline.recover(channel, self, since, last=last, insufficient=told)

    def unsubscribe(self, channel: str) -> Deferred[Any]:
        return self.pipeline.unsubscribe(channel, self)

    def publish(self, channel: str | Iterable[str], payload: Any, exclude: Any = None) -> Deferred[Any]:
        return self.pipeline.publish(channel, payload, exclude)

    def loseConnection(self) -> None:
        self.close()

    def abortConnection(self) -> None:
        self.close()

    # What the hub and the session call.

    def deliver(self, batch: Batch, policy: str) -> None:
        if self._writer is not None:
            self._writer.deliver(batch.in_encoding(self.encoding), policy)

    def finish(self, blob: bytes, sent: int) -> None:
        """Nothing is ever sent directly."""

    def send_encoded(self, messages: Sequence[Message], behind: bool = True) -> None:
        if self._writer is not None:
            self.pipeline.hub.settle(self)
            self._writer.send(self.form(messages))

    def standing_still(self) -> bool:
        return self.busy or (self._writer is not None and self._writer.waits)

    def close(self, code: int = 3000, reason: str = "") -> None:
        """Tell the client why, and end the response."""
        if self.close_code is None and self._writer is not None:
            self.close_code, self.close_reason = code, reason
            self.pipeline.hub.settle(self)
            self._writer.complete(self.goodbye(Disconnect(code, reason)))

    def goodbye(self, end: Disconnect) -> bytes:
        """What the client is told last."""
        push = Push(disconnect=self.encoding.end_of(end))
        return self.form([(self.encoding.push(push), self.encoding.codec.binary)])

    def leave(self, code: int) -> None:
        """The stream has ended.

        :param code: why, if nothing has been told yet
        """
        self._writer, self.ended = None, True
        if self._users.get(self.id) is self:
            del self._users[self.id]
        self.pipeline.server.admission.leave_session(self.key)
        if self.close_code is None:
            self.close_code = code
        for channel in tuple(self.channels):
            self.pipeline.unsubscribe(channel, self)
        if self.opened:
            self._left()
