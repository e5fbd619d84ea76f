"""One HTTP connection: `twisted.web` reads the requests, this sees that nobody takes more than his share.

Rules:

1. One request of a connection is answered per reactor turn, however many were sent together: others have theirs
   meanwhile.
2. A request must be complete within a time of its own, however slowly it trickles. A connection at rest has another.
3. Who is refused before the request is complete gets the whole answer: the rest of what he sends is read and dropped
   for a moment, because closing at once would reset the connection and take the answer away.
"""

from http import HTTPStatus
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, datetimeToString
from twisted.web.http_headers import Headers

from filtered_websocket.transport import LINGER_BYTES
from filtered_websocket.web.base import HTTPError, HTTPRequest, Response

MAX_HEADERS = 128

_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


class Exchange:
    """One request and its response; what `HTTPChannel` calls a request."""

    def __init__(self, channel: "Channel", queued: int = 0) -> None:
        self.channel = channel
        self.requestHeaders = Headers()
        self.responseHeaders = Headers()  # the channel's own note; what is sent is in the Response
        self.gone = False
        self.request: HTTPRequest
        self.route: Any = None
        self.waiting: Deferred[Any] | None = None
        self._body: list[bytes] = []
        self._size = 0

    def parseCookies(self) -> None:
        """Nothing: whoever wants cookies asks the request."""

    def gotLength(self, length: int | None) -> None:
        """The head is complete; the body has this length, None if that will only show."""
        site, channel = self.channel.site, self.channel
        try:
            self.request = site.request(channel, channel._command, channel._path, self.requestHeaders)
            self.route = site.find(self.request)
        except HTTPError as error:
            channel.refuse(error)
            return
        if length is not None and length > self.route.limit:
            self._too_large()

    def handleContentChunk(self, data: bytes) -> None:
        if self.channel.refused:
            return
        self._size += len(data)
        if self._size > self.route.limit:
            self._too_large()
        else:
            self._body.append(data)

    def _too_large(self) -> None:
        error = self.route.error or HTTPError(413, f"the body may have {self.route.limit} bytes")
        self.channel.refuse(error, self.channel.site.refusal(self.route, self.request, error))

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        self.request.body = b"".join(self._body)
        self._body = []
        answer = self.channel.site.answer(self.route, self.request)
        if isinstance(answer, Deferred):
            self.waiting = answer
            answer.addCallback(self.respond)
        else:
            self.respond(answer)

    def respond(self, response: Response) -> None:
        self.waiting = None
        if not self.gone:
            self.channel.respond(self, response)

    def cancel(self) -> None:
        """End a wait; the client, if it is still there, gets 503."""
        if self.waiting is not None:
            self.waiting.cancel()

    def connectionLost(self, reason: Failure) -> None:
        self.gone = True
        self.cancel()


class Channel(HTTPChannel):
    """One HTTP connection.

    :param site: what answers
    :ivar former: the protocol that handed the connection over
    """

    former: Any = None
    requestFactory = Exchange  # type: ignore[assignment]
    maxHeaders = MAX_HEADERS
    requests: list[Exchange]
    callLater: Any
    _networkProducer: Any
    _path: Any
    transport: Any

    def __init__(self, site: Any) -> None:
        super().__init__()
        self.site = site
        self.timeOut = site.options.http_idle_timeout
        self.totalHeadersSize = self.MAX_LENGTH = site.options.max_handshake_size
        self.callLater = site.reactor.callLater
        self.refused = False
        self._receiving = False
        self._dropped = 0
        self._timer: Any = None

    def connectionMade(self) -> None:
        self.site.channels.add(self)
        super().connectionMade()

    def connectionLost(self, reason: Any = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().connectionLost(reason)
        self.site.gone(self)

    def dataReceived(self, data: bytes) -> None:
        if self.refused:
            self._dropped += len(data)
            if self._dropped > LINGER_BYTES:
                self.transport.abortConnection()
            return
        if not self._receiving and not self._handlingRequest:
            self._receiving = True
            self.setTimeout(self.site.options.http_request_timeout)
        # Not HTTPChannel's own, which would grant the time anew with every byte.
        super(HTTPChannel, self).dataReceived(data)

    def allContentReceived(self) -> None:
        if self.refused:
            return
        if self.former is not None and self._asks_for_websocket():
            self._give_back(self.former)
        else:
            super().allContentReceived()

    def _asks_for_websocket(self) -> bool:
        upgrade = self.requests[-1].requestHeaders.getRawHeaders(b"upgrade", [])
        return (
            self._command == b"GET"
            and self._transferDecoder is None
            and any(b"websocket" in each.lower() for each in upgrade)
            # Whoever has not read what was answered before gets 426: a WebSocket begins with nothing waiting.
            and not getattr(getattr(self.transport, "transport", self.transport), "pending", 0)
        )

    def _give_back(self, former: Any) -> None:
        """Let the protocol that handed this connection over have it again, with the request that was just read."""
        headers = self.requests.pop().requestHeaders.getAllRawHeaders()
        lines = [b"GET %b %b" % (self._path, self._version)]
        lines += [b"%b: %b" % (name, value) for name, values in headers for value in values]
        data = b"\r\n".join([*lines, b"", b""]) + self.clearLineBuffer()
        self.setTimeout(None)
        self._networkProducer.unregisterProducer()
        former.take_back(data)
        self.site.gone(self)

    def requestDone(self, request: Any) -> None:
        if self.persistent:
            self._timer = self.callLater(0, self._go_on, request)
        else:
            super().requestDone(request)

    def _go_on(self, request: Exchange) -> None:
        self._timer = None
        self._receiving = False
        if self.site.closing:
            self.persistent = 0
        self._savedTimeOut = self.site.options.http_idle_timeout
        super().requestDone(request)

    def respond(self, exchange: Exchange, response: Response) -> None:
        """Send the response to the request that was received."""
        if self.site.closing or not self.site.server.started:
            self.persistent = 0
        self._send(response, exchange.request.method != "HEAD")
        self.requestDone(exchange)

    def _send(self, response: Response, with_body: bool) -> None:
        status = response.status
        self.site.responses[status // 100] += 1
        lines = [b"HTTP/1.1 %d %s" % (status, _REASONS.get(status, b"Status")), b"Date: " + datetimeToString()]
        bodiless = status in {204, 304}
        if not bodiless:
            lines.append(b"Content-Length: %d" % len(response.body))
            if response.content_type:
                lines.append(b"Content-Type: " + _header(response.content_type))
        lines += [_header(name) + b": " + _header(value) for name, value in response.headers]
        if not self.persistent:
            lines.append(b"Connection: close")
        head = b"\r\n".join([*lines, b"", b""])
        self.transport.write(head + response.body if with_body and not bodiless else head)

    # Refusing.

    def refuse(self, error: HTTPError, response: Response | None = None) -> None:
        """Answer before the request is complete, and close."""
        if self.refused:
            return
        self.refused = self.paused = True
        self.persistent = 0
        self.site.counters.count("refused", "http", f"{error.status} {error.message}")
        self._send(response or Response(error.status, {"error": error.message}, error.headers), True)
        self.setTimeout(None)
        self._close()

    def _respondToBadRequestAndDisconnect(self) -> None:
        large = self._receivedHeaderSize > self.totalHeadersSize or self._receivedHeaderCount > self.maxHeaders
        self.refuse(HTTPError(431) if large else HTTPError(400))

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(HTTPError(431))

    def _send100Continue(self) -> None:
        if not self.refused:
            super()._send100Continue()

    def timeoutConnection(self) -> None:
        if self._receiving:
            self.refuse(HTTPError(408, "the request was not complete in time"))
        else:
            self._close()

    def _close(self) -> None:
        """Close when what was written has been taken, and in any case soon."""
        if self._abortingCall is None and self.abortTimeout is not None:
            self._abortingCall = self.callLater(self.abortTimeout, self.forceAbortClient)
        self.loseConnection()

    def forceAbortClient(self) -> None:
        self._abortingCall = None
        self.site.counters.count("closed", "http client does not read")
        self.transport.abortConnection()

    def shut(self) -> None:
        """The server ends: close when the answer under way is sent; a wait ends now."""
        waiting = [exchange for exchange in self.requests if exchange.waiting is not None]
        for exchange in waiting:
            exchange.cancel()
        if not waiting and not self._handlingRequest:
            self._close()


def _header(text: str) -> bytes:
    """A name or value as it may stand in a head: nothing ends the line."""
    return text.replace("\r", " ").replace("\n", " ").encode("latin-1", "replace")
