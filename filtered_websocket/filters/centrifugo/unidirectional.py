"""Clients that only listen: their request is what connect has, and all that they get are pushes.

GET  /connection/uni_websocket          101, and the first frame is a ConnectRequest
POST /connection/uni_http_stream        body: ConnectRequest
GET  /connection/uni_sse?cf_connect=    the same, or POST
<- {"connect":{...,"session"}}  {"channel","pub":{...}}  {}  {"disconnect":{"code","reason"}}
"""

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.centrifugo.codes import (
    CONNECTION_EXPIRED,
    DENIED,
    EXPIRED,
    FAILED,
    PERMISSION_DENIED,
    TOKEN_EXPIRED,
    TOO_MANY_REQUESTS,
    Disconnect,
)
from filtered_websocket.filters.centrifugo.emulation import EmulatedSession
from filtered_websocket.filters.centrifugo.json_reader import read
from filtered_websocket.filters.centrifugo.messages import ConnectRequest, ConnectResult, Push
from filtered_websocket.filters.centrifugo.session import Session
from filtered_websocket.filters.centrifugo.streaming import EVENTS, LINES, Streaming
from filtered_websocket.filters.centrifugo.wire import Malformed
from filtered_websocket.limits.heartbeat import Heartbeat
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Stream

ENDS: Mapping[int, int] = {
    TOKEN_EXPIRED: CONNECTION_EXPIRED, EXPIRED: CONNECTION_EXPIRED, PERMISSION_DENIED: DENIED, 111: TOO_MANY_REQUESTS,
}  # fmt: skip
"""What a connect command that is answered by an error ends such a client with; others with 3004."""


class Unidirectional(Session):
    """A session that obeys one request, and pushes."""

    __slots__ = ()

    def pinged_by(self) -> Heartbeat:
        # It cannot answer a ping.
        return self.state.one_way_heartbeat

    def receive(self, frame: bytes | bytearray) -> Deferred[None] | None:
        """Obey the first frame; what comes behind it means nothing."""
        if self.refused or self.ended:
            return None
        self.refused = True
        try:
            request: ConnectRequest = read(ConnectRequest, frame)
        except Malformed as malformed:
            self.pipeline.server.counters.count("closed", "centrifugo: malformed", malformed.why)
            self.end(malformed)
            return None
        return self._take((1, "connect", request))

    def greeting(self, result: ConnectResult) -> ConnectResult:
        key = getattr(self.connection, "key", self.connection.id)
        return result._replace(pong=False, session=key)

    def reply(self, number: int, name: str, result: Any) -> None:
        if name == "connect":
            self.push(Push(connect=result))
        elif name == "error":
            self.end(Disconnect(ENDS.get(result.code, FAILED)))

    def end(self, disconnect: Disconnect) -> None:
        if not self.ended:
            self.tell_end(disconnect)
        super().end(disconnect)

    def tell_end(self, disconnect: Disconnect) -> None:
        """Say why, before the close frame does."""
        self.push(Push(disconnect=self.encoding.end_of(disconnect)))


class UnidirectionalStream(Unidirectional, EmulatedSession):
    """The same on a stream, which says it itself."""

    __slots__ = ()

    def tell_end(self, disconnect: Disconnect) -> None:
        """The stream does."""


class Listening(Streaming):
    """What both endpoints have in common."""

    session: Any = UnidirectionalStream
    bare = True

    @staticmethod
    def check(frame: bytes) -> bytes:
        """
        :raises HTTPError: 400, it is no request
        """
        try:
            read(ConnectRequest, frame)
        except Malformed:
            raise HTTPError(400) from None
        return frame


class UniHTTPStream(Listening):
    path = "/connection/uni_http_stream"
    methods = ("POST",)
    name = "uni_http_stream"

    @classmethod
    async def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Stream:
        return await cls.stream(pipeline, request, LINES, cls.check(request.body))


class UniSSE(Listening):
    path = "/connection/uni_sse"
    methods = ("GET", "POST")
    name = "uni_sse"

    @classmethod
    async def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Stream:
        frame = request.body if request.method == "POST" else (request.argument("cf_connect") or "{}").encode()
        return await cls.stream(pipeline, request, EVENTS, cls.check(frame))
