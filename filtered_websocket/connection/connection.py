"""One connection: Autobahn's callbacks -> chains. What most filters get as `web_socket_instance`.

The way in:

    dataReceived -> data chain -> frames (the fast path, or Autobahn) -> message chain -> a filter -> publish

Rules:

1. The fast path reads only at a frame boundary of an open connection; what `frames.read` does not take goes to
   Autobahn untouched, and so does all that follows it in the same read.
2. What is sent to this connection alone goes out at the end of the turn, in one send (it is corked meanwhile); whatever
   else writes to it uncorks it first.
3. Every connection that was opened is closed once: one connect chain, one disconnect chain.
"""

from collections.abc import Set as AbstractSet
from typing import Any
from uuid import uuid4

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone

from filtered_websocket.chain.deferreds import DONE, start
from filtered_websocket.chain.outcomes import report
from filtered_websocket.chain.running import run
from filtered_websocket.connection.autobahn import CLOSED, CONNECTING, OPEN
from filtered_websocket.connection.handshake import METHOD
from filtered_websocket.connection.sending import MAX_CORKED
from filtered_websocket.connection.turns import Turns
from filtered_websocket.errors import StopChain
from filtered_websocket.limits.fair_share import SHARE
from filtered_websocket.messages import frames
from filtered_websocket.messages.message import in_binary_message, message

MAX_ID = 255
"""Characters of an id: it travels with every publication that excludes it."""


class Connection(Turns):
    """One client.

    :ivar id: a UUID4 as text; a handshake filter may set another, of 1 to 255 printable characters. A connection that
        opens with the id of an open one takes its place: that one is closed with 1008
    :ivar token: for filters' own use
    :ivar request: the :class:`Request` it was opened with
    :ivar pipeline: the :class:`Pipeline` that serves its path
    :ivar channels: names of the channels it is in
    :ivar close_code, close_reason: set when it has ended: the code we sent, else the peer's (1005 if it sent none),
        1006 if there was no closing handshake
    """

    # What every message looks at. CPython finds a slot at once, an attribute with a default on the class, as Autobahn's
    # and Twisted's are, only the long way (docs/performance.md).
    __slots__ = (
        "_perMessageCompress", "_waiting", "awaiting_pong", "blocked", "corked", "current_frame", "data", "direct",
        "factory", "inside_message", "message_limit", "opened", "pipeline", "request", "state", "transport",
    )  # fmt: skip

    awaiting_pong: bool | None
    message_limit: int
    opened: bool
    token: Any = None
    channels: AbstractSet[str] = frozenset()
    close_code: int | None = None
    close_reason: str | None = None
    slot = 0
    _asks_http = False
    _id: str | None = None

    def __init__(self) -> None:
        self.state = CONNECTING
        self.data = b""
        self.opened = self.blocked = self.inside_message = self._waiting = False
        self.pipeline = self.transport = self.awaiting_pong = self.current_frame = None
        self._perMessageCompress = self.direct = None
        self.corked = b""

    # What a connection is to its filters.

    @property
    def id(self) -> str:
        if self._id is None:
            self._id = str(uuid4())
        return self._id

    @id.setter
    def id(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(f"an id is a str, not {type(value).__name__}")
        if not 0 < len(value) <= MAX_ID or not value.isprintable():
            raise ValueError(f"an id has 1 to {MAX_ID} printable characters")
        if self.opened:
            raise ValueError("an id is chosen in a handshake filter: that of an open connection is known to others")
        self._id = value

    @property
    def users(self) -> dict[str, Any]:
        """The open connections of this pipeline in this process, this one among them: id -> connection."""
        return self.pipeline.users

    @property
    def storage_object(self) -> Any:
        return self.pipeline.storage_object if self.pipeline is not None else self.factory.storage_object

    @property
    def queue(self) -> Any:
        return self.factory.queue

    def sendMessage(self, payload: Any, isBinary: bool | None = None, *_: Any) -> None:
        """Send one message; on a connection that is closing it is counted as dropped.

        :param payload: str, or bytes of the kind that `message.message` finds
        :raises TypeError: neither
        """
        data, binary = message(payload, isBinary)
        if self.direct is None and self.state != OPEN:
            self.factory.counters.count("dropped", "sent to a closed connection")
            return
        hub = self.pipeline.hub
        hub.deliveries += 1
        if hub.dirty:
            hub.settle(self)
        if self.direct is None or self.corked:
            self.send_frame(data, binary)
            return
        # What `send_frame` does, for what most messages are.
        self.corked = blob = frames.make(data, binary)
        if len(blob) > MAX_CORKED:
            self.uncork()
        elif hub.corked:
            hub.corked.append(self)
        else:
            hub.cork(self)

    def subscribe(self, channel: str) -> Deferred[Any]:
        """Join a channel; fires when confirmed. Joining twice is joining once: one copy of each message."""
        if self.state != OPEN:
            return DONE
        if not self.channels:
            self.channels = set()
        return self.pipeline.subscribe(channel, self)

    def unsubscribe(self, channel: str) -> Deferred[Any]:
        """Leave a channel."""
        return self.pipeline.unsubscribe(channel, self)

    def publish(self, channel: Any, payload: Any, exclude: Any = None) -> Deferred[Any]:
        """Publish to channels on all nodes: see `Pipeline.publish`."""
        return self.pipeline.publish(channel, payload, exclude)

    def loseConnection(self) -> None:
        """Close normally (1000)."""
        self.close()

    # Receiving.

    def connectionMade(self) -> None:
        self.watch_transport()
        super().connectionMade()
        if self.factory.only_pipeline is not None:
            self.pipeline = self.factory.only_pipeline

    def dataReceived(self, data: bytes) -> None:
        if self.awaiting_pong:
            self.awaiting_pong = False
        if self._waiting:
            self.hold(data)
        elif self.factory.has_data_filters:
            self._filter_data(data)
        else:
            self.feed(data)

    def _filter_data(self, data: bytes) -> None:
        if self.pipeline is None:
            # Which pipeline's data filters see these bytes, the request line tells.
            data, self._held = self._held + data, b""
            line = data.find(b"\r\n")
            if line < 0 and len(data) < self.factory.options.max_handshake_size and METHOD.match(data):
                self._held = data
                return
            self.pipeline = self.factory.pipeline_of_line(data)
        chain = self.pipeline.chains["data"] if self.pipeline is not None else ()
        if not chain:
            self.feed(data)
            return
        try:
            result = run(chain, self, data)
        except BaseException as error:
            self._failed(error)
            return
        if isinstance(result, Deferred):
            # What a request's first bytes ask for, an HTTP client that has closed its side still gets.
            self._asks_http = self.state == CONNECTING and b"websocket" not in data.lower()
            self._wait(result.addCallback(self._filtered))
        else:
            self._filtered(result)

    def _filtered(self, data: Any) -> None:
        if (self.state != CLOSED or self.http is not None) and isinstance(data, (bytes, bytearray)):
            if self._waiting:
                self.data += bytes(data)
            else:
                self.feed(bytes(data))

    def feed(self, data: bytes) -> None:
        """Parse bytes that have passed the data chain."""
        if self.state == OPEN and not self.data and self.current_frame is None and not self.inside_message:
            at, left, limit = 0, SHARE, self.message_limit
            frame = frames.read(data, 0, limit)
            while frame is not None:
                payload, binary, at = frame
                self._received(payload, binary)
                if at == len(data):
                    return
                if self._waiting or self.state != OPEN:
                    break
                left -= 1
                if not left:
                    self.rest()
                    break
                frame = frames.read(data, at, limit)
            if self._waiting:
                self.data = data[at:] + self.data
                self.look_ahead()
                return
            if at:
                data = data[at:]
        elif self.http is not None:
            self.http.dataReceived(data)
            return
        self.parse(data)

    def onMessage(self, payload: bytearray, isBinary: bool) -> None:
        if self.state == OPEN:
            self._received(payload, isBinary)

    def _received(self, payload: bytearray, binary: bool) -> None:
        pipeline = self.pipeline
        pipeline.messages_in += 1
        pipeline.bytes_in += len(payload)
        try:
            # Set back too: a chain may run inside another's, and the asyncio reactor hands its contexts on.
            if binary or in_binary_message.get():
                kind = in_binary_message.set(binary)
                try:
                    result = run(pipeline.chains["message"], self, payload)
                finally:
                    in_binary_message.reset(kind)
            else:
                result = run(pipeline.chains["message"], self, payload)
        except BaseException as error:
            self._failed(error)
            return
        # The first test spares the second, which costs more than a short chain: Deferred has an abstract base class.
        if result is not payload and isinstance(result, Deferred):
            self._wait(result)

    # Opening and closing.

    def onOpen(self) -> None:
        self.forget_handshake()
        self.opened = True
        pipeline = self.pipeline
        self.message_limit = pipeline.options.max_message_size
        if self.message_limit != self.maxMessagePayloadSize:
            self.maxMessagePayloadSize = self.message_limit
        former = pipeline.users.setdefault(self.id, self)
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
            self._failed(error)
            return
        if isinstance(result, Deferred):
            self._wait(result)

    def _succeed(self, former: "Connection") -> None:
        """Take the place of an earlier connection of the same id: in each channel there is one of an id."""
        self.pipeline.users[self.id] = self
        if former.state == OPEN:
            self.factory.counters.count("closed", "id taken by a later connection", former.request.peer)
            former.close(1008, "id taken by a later connection")

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        # A pong or a close frame must not overtake what was sent or published before it.
        self.uncork()
        if self.opened and self.pipeline.hub.dirty:
            self.pipeline.hub.settle(self)
        super().sendData(data)
        if self.blocked and self.state == OPEN:
            # Pings without end from a client that reads none of the pongs.
            self.check_room()

    def sendCloseFrame(self, code: int | None = None, reasonUtf8: bytes | None = None, isReply: bool = False) -> None:
        if self.opened and self.state == OPEN:
            self.send_all_held()
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
            self.send_all_held()
            self.wasNotCleanReason = "server is stopping"
            self.dropConnection()
            self._end_wait()

    def send_all_held(self) -> None:
        """Send what was sent and published before; of what waits for a slow client nothing is lost now."""
        self.uncork()
        self.pipeline.hub.settle(self)
        self.write_backlog()

    def half_closed(self) -> bool:
        """A client has closed its side: whether the connection stays. For a WebSocket that is the end."""
        if self.http is None and not (self._waiting and self._asks_http):
            return False
        if self._waiting:
            # Of what a data filter has: the end is read again behind it.
            self._paused = True
            return True
        return bool(self.http.half_closed())

    def standing_still(self) -> bool:
        return self._waiting or self.blocked

    def ping_timed_out(self) -> None:
        self.factory.counters.count("closed", "ping timeout", self.request.peer)
        self.wasNotCleanReason = "no answer to a ping"
        self.abortConnection()

    def connectionLost(self, reason: Any = ConnectionDone) -> None:
        self.leave_transport()
        self.factory.admission.leave(self)
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if self._waiting and self.state == OPEN and (self.data or self._held):
            self.unheard()
        # Who is cancelled can tell from it that there is nobody left to close; the disconnect chain comes after him.
        self.state = CLOSED
        for running in (self._running, self._deciding):
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
        self._waiting = False
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
        """The disconnect chain: a filter that fails does not keep the next one from running."""
        data = None
        for step in self.pipeline.chains["disconnect"]:
            try:
                result = run((step,), self, data)
                data = await result if isinstance(result, Deferred) else result
            except StopChain:
                return
            except BaseException as error:
                report(self.factory.counters, error)

    def __repr__(self) -> str:
        return f"<Connection {self._id} {getattr(self, 'request', '')}>"
