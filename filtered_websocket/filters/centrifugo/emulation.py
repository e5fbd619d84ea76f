"""Commands of clients on streams: POST /emulation, to whatever node.

{"session", "node", "data"}      data is a text that holds commands; as application/octet-stream: EmulationRequest
204 taken, whatever becomes of it: the stream tells; 404 there is no such node: the client connects anew
400 it is no such request, 413 it is too large
"""

from collections import deque
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.centrifugo.codes import CLOSED, TOO_MANY_REQUESTS, Disconnect
from filtered_websocket.filters.centrifugo.encodings import Encoding
from filtered_websocket.filters.centrifugo.messages import ConnectResult, EmulationRequest
from filtered_websocket.filters.centrifugo.origins import FromPages
from filtered_websocket.filters.centrifugo.session import Session
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.filters.centrifugo.streams import StreamCarrier
from filtered_websocket.filters.centrifugo.wire import JSON, PROTOBUF, Malformed
from filtered_websocket.limits.pace import Pace
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response

MAX_WAITING = 1 << 20
"""Bytes of commands that may wait for those before them."""


class EmulatedSession(Session):
    """A session on a stream: its frames come by requests, one after the other."""

    __slots__ = ("_frames", "_pace", "_paid", "_waiting")

    connection: Any

    def __init__(self, state: State, carrier: StreamCarrier, encoding: Encoding) -> None:
        connection: Any = carrier
        super().__init__(state, connection, encoding)
        self._frames: deque[bytes] = deque()
        self._waiting = 0
        self._pace = Pace.of(state.pipeline.options, self._now())
        self._paid: Deferred[None] | None = None

    def _now(self) -> float:
        return float(self.pipeline.server.reactor.seconds())

    def open(self, frame: bytes) -> None:
        """The stream is open: the connect chain runs, and then the message chain for the first commands."""
        self.attach()
        self.state.streams[self.connection.key] = self
        self._frames.append(frame)
        self._waiting += len(frame)
        self.connection.busy = True
        start(self._begin())

    def greeting(self, result: ConnectResult) -> ConnectResult:
        return result._replace(session=self.connection.key, node=self.state.nodes.uid)

    def take(self, frame: bytes) -> None:
        """Obey the commands of a frame when those before it have been obeyed."""
        if self.ended:
            return
        self._waiting += len(frame)
        if self._waiting > MAX_WAITING:
            self.pipeline.server.counters.count("closed", "centrifugo: too many commands wait")
            self.end(Disconnect(TOO_MANY_REQUESTS))
            return
        self._frames.append(frame)
        if not self.connection.busy:
            self.connection.busy = True
            start(self._obey_all())

    async def _begin(self) -> None:
        await self.connection.run("connect")
        await self._obey_all()

    async def _obey_all(self) -> None:
        try:
            while self._frames and not self.ended:
                frame = self._frames.popleft()
                if self._pace is not None:
                    await self._keep(self._pace, len(frame))
                if not self.ended:
                    await self.connection.run("message", bytearray(frame))
                self._waiting -= len(frame)
        finally:
            self.connection.busy = False

    async def _keep(self, pace: Pace, size: int) -> None:
        """Count a frame, as a message of a WebSocket is counted."""
        limit, debt = pace.spend(size, self._now())
        if not limit:
            return
        counters, peer = self.pipeline.server.counters, self.request.peer
        counters.count("closed" if pace.closes else "slowed", limit, peer)
        if pace.closes:
            self.end(Disconnect(1008, limit))
            return
        self._paid = deferLater(self.pipeline.server.reactor, debt)
        try:
            await self._paid
        except CancelledError:
            pass  # the stream has ended
        finally:
            self._paid = None

    def gone(self) -> None:
        """The stream has ended."""
        self.state.streams.pop(self.connection.key, None)
        self._frames.clear()
        self.ended = True
        if self._paid is not None:
            self._paid.cancel()
        self.connection.leave(CLOSED)


def emulate(state: State, values: dict[str, Any]) -> None:
    """Give a session of this node its commands, if there is one."""
    session = state.streams.get(values["session"])
    if session is not None:
        session.take(values["data"].encode("latin-1"))


class Emulation(FromPages):
    path = "/emulation"
    methods = ("POST",)

    @classmethod
    def body_limit(cls, pipeline: Pipeline) -> int:
        return int(pipeline.options.max_message_size)

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Response | Deferred[Response]:
        state = State.of(pipeline)
        cls.check_origin(pipeline, request)
        asked = _read(state, request)
        if not state.nodes.knows(asked.node):
            raise HTTPError(404)
        values = {"session": asked.session, "data": asked.data.decode("latin-1")}
        return state.nodes.tell(asked.node, "emulate", **values).addCallback(lambda _: Response(204))


def _read(state: State, request: HTTPRequest) -> EmulationRequest:
    """
    :raises HTTPError: 400, it is none
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = state.encodings.get(PROTOBUF if kind == "application/octet-stream" else JSON)
    if encoding is None:
        raise HTTPError(400, "protobuf is not installed here: pip install filtered_websocket[protobuf]")
    try:
        return encoding.codec.emulation(request.body)
    except Malformed:
        raise HTTPError(400) from None
