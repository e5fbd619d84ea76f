"""One HTTP connection: heads and bodies are read by `web.head` and `web.body`, answers are given by the site.

Rules:

1. One request at a time: what a client has sent behind it is read when the answer has left, and of what waits no more
   is taken from the kernel than `MAX_WAITING`.
2. A connection leaves the reactor to others as WebSockets do (`limits.fair_share`): after each answer, and when its
   share of the turn is used up, it goes on in a later one, and all that wait so have one share between them.
3. A request must be complete within a time of its own, however slowly it trickles. A connection at rest has another.
   One that is closed ends as all do (`transport.streams`, rule 3).
4. A client that has closed its side gets the answers to what it has asked before; a long poll ends.
5. A client that is refused before its request is complete gets the whole answer: the rest of what it sends is read and
   dropped for a moment, because closing at once would reset the connection and take the answer away.
6. While the server starts, a handshake waits for it, at most `handshake_timeout`; health is answered at once.
7. A wrong request is a value (`Refused`), not an exception: an exception keeps the frames, and these the bytes, of
   every request that was wrong.
"""

from time import perf_counter
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, ISSLTransport
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from zope.interface import implementer

from filtered_websocket.limits.fair_share import SHARE_SECONDS
from filtered_websocket.transport.lingering import LINGER_BYTES
from filtered_websocket.transport.streams import LARGE
from filtered_websocket.web import upgrade
from filtered_websocket.web.body import Chunked, Sized
from filtered_websocket.web.head import Head, Refused, body_length, end_of, parse, words
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response, encode
from filtered_websocket.web.routes import STARTING

_log = Logger()

MAX_WAITING = 16 * 1024
"""Bytes behind a request that is being answered, above which reading pauses. Below it, the client's end is noticed."""

HALF_CLOSED_SECONDS = 5.0
"""How long a client that has closed its side, and may have gone, is answered: each of its requests."""


class Exchange:
    """One request and its response."""

    def __init__(self, request: HTTPRequest, route: Any, body: Sized | Chunked) -> None:
        self.request, self.route, self.body = request, route, body
        self.waiting: Deferred[Any] | None = None

    def cancel(self) -> None:
        """End a wait; the client, if it is still there, gets 503."""
        if self.waiting is not None:
            self.waiting.cancel()


@implementer(IPushProducer)
class HTTPConnection(Protocol):
    """One HTTP connection.

    :param site: what answers
    :param later: the protocol that gets the connection as soon as the server serves more than its health
    :ivar former: the protocol that handed the connection over
    """

    former: Any = None
    transport: Any

    def __init__(self, site: Any, later: Any = None) -> None:
        self.site = site
        self._later = later
        self._data = bytearray()
        self._searched = 0
        self._exchange: Exchange | None = None
        self._timer: Any = None
        self._dropped = self._taken = 0
        self._persistent = True
        self._receiving = self._answering = self._resting = self._stalled = self._paused = self._ended = False
        self._half_closed = False
        #: a handshake waits until the server has started
        self._held = False

    def connectionMade(self) -> None:
        self.site.connections.add(self)
        self.transport.registerProducer(self, True)
        self._set_timer(self.site.options.http_idle_timeout)

    def connectionLost(self, reason: Any = None) -> None:
        self._stop_timer()
        self._ended, self._resting = True, False
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.cancel()
        self.site.gone(self)
        # What was received goes at once, not when the garbage collector comes.
        self._data.clear()
        self.former = self._later = None

    @property
    def is_secure(self) -> bool:
        return bool(ISSLTransport.providedBy(self.transport))

    @property
    def at_work(self) -> bool:
        """Whether a request is being answered that may change something."""
        exchange = self._exchange
        return exchange is not None and exchange.waiting is not None and exchange.request.method not in ("GET", "HEAD")

    # Receiving.

    def dataReceived(self, data: bytes) -> None:
        if self._ended:
            self._dropped += len(data)
            if self._dropped > LINGER_BYTES:
                self.transport.abortConnection()
            return
        self._data += data
        if self._is_busy():
            if len(self._data) > MAX_WAITING:
                self._paused = True
                self.transport.pauseProducing()
        else:
            self._go_on()

    def half_closed(self) -> bool:
        """The client has closed its side: whether the connection stays."""
        if self._ended:
            return True
        if not self._is_busy():
            # What was written goes out; of a request that is not complete the rest never comes.
            self._close()
            return True
        exchange = self._exchange
        if self._held:
            return False  # for a WebSocket that is the end
        if self._answering and exchange is not None and exchange.request.method in exchange.route.endpoint.long_poll:
            return False
        if not self._half_closed:
            self._half_closed = True
            self._set_timer(HALF_CLOSED_SECONDS)
        return True

    def _is_busy(self) -> bool:
        """Whether what has come waits for something else than more of it."""
        return self._answering or self._resting or self._stalled or self._held

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self.transport.resumeProducing()

    def pauseProducing(self) -> None:
        """The client does not take what was written."""
        self._stalled = True

    def resumeProducing(self) -> None:
        """It has taken it."""
        self._stalled = False
        self._rest()

    def stopProducing(self) -> None:
        """The transport is lost: `connectionLost` follows."""

    def _rest(self) -> None:
        """Go on in a later turn."""
        if not (self._resting or self._answering or self._ended):
            self._resting = True
            self.site.server.rests.add(self)

    def go_on(self) -> None:
        """Handle what waits, or a part of it."""
        if not self._resting:
            return
        self._resting = False
        try:
            self._go_on()
        except Exception:
            _log.failure("an HTTP connection has failed")
            self.transport.abortConnection()

    def _go_on(self) -> None:
        """Read what was received, as far as one request and the share of a turn go."""
        if self._later is not None and self._exchange is None and self.site.server.started:
            self._hand_on(self._later)
            return
        ends = perf_counter() + SHARE_SECONDS
        while self._data and not (self._is_busy() or self._ended):
            left = len(self._data)
            if self._exchange is None:
                self._read_head()
            else:
                self._read_body(self._exchange)
            if len(self._data) == left:
                break
            if perf_counter() > ends:
                self._rest()
                break
        if self._half_closed and not self._is_busy():
            self._close()
        if not (self._ended or (self._is_busy() and len(self._data) > MAX_WAITING)):
            self._resume()

    def _read_head(self) -> None:
        if not self._receiving:
            # An empty line before a request is none (RFC 9112, 2.2).
            while self._data.startswith(b"\r\n"):
                del self._data[:2]
            if not self._data:
                return
            self._receiving = True
            self._set_timer(self.site.options.http_request_timeout)
        size = end_of(self._data, self.site.options.max_handshake_size, self._searched)
        if not isinstance(size, int):
            self._refuse(size)
        elif not size:
            self._searched = len(self._data)
        else:
            head = parse(bytes(self._data[:size]))
            del self._data[:size]
            self._searched = 0
            if isinstance(head, Refused):
                self._refuse(head)
            elif self._later is not None and upgrade.is_asked(head):
                self._hold(head)
            elif self.former is not None and upgrade.is_asked(head) and not self._has_unread_answers():
                self._give_back(head)
            else:
                self._begin(head)

    def _begin(self, head: Head) -> None:
        """The head of a request is complete."""
        self._persistent = head.version == "1.1" and "close" not in words(head.headers, "connection")
        length = body_length(head)
        if isinstance(length, Refused):
            self._refuse(length)
            return
        request = self.site.request(self, head)
        route = self.site.routes.find(request)
        body = Chunked(route.limit) if length is None else Sized(length)
        self._exchange = Exchange(request, route, body)
        if length is not None and length > route.limit:
            self._too_large(self._exchange)
        elif length == 0:
            self._answer(self._exchange)
        elif head.version == "1.1" and "100-continue" in words(head.headers, "expect"):
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _read_body(self, exchange: Exchange) -> None:
        taken = exchange.body.take(self._data)
        if not isinstance(taken, Refused):
            if taken:
                self._answer(exchange)
        elif taken.status == 413:
            self._too_large(exchange)
        else:
            self._refuse(taken)

    def _has_unread_answers(self) -> bool:
        """A WebSocket begins with nothing waiting. Who has not read what was answered before gets 426."""
        return bool(getattr(getattr(self.transport, "transport", self.transport), "pending", 0))

    def _give_back(self, head: Head) -> None:
        """Let the protocol that handed this connection over have it again, with the request that was just read."""
        self.former.take_back(head.raw + self._leave())
        self.site.gone(self)

    def _hold(self, head: Head) -> None:
        """Keep a handshake until the server has started."""
        self._data[:0] = head.raw
        self._held, self._receiving = True, False
        self._set_timer(self.site.options.handshake_timeout)

    def server_started(self) -> None:
        """What came before may be served now, in its turn."""
        self._held = False
        self._rest()

    def _hand_on(self, later: Any) -> None:
        """Let the protocol that was meant to have this connection have it, with all that has come."""
        self._later = None
        later.take_over(self.transport, self._leave())
        self.site.gone(self)

    def _leave(self) -> bytes:
        """Let go of the transport; what was not read yet."""
        data = bytes(self._data)
        self._data.clear()
        self._stop_timer()
        self._ended = True
        self.transport.unregisterProducer()
        self._resume()
        return data

    # Answering.

    def _answer(self, exchange: Exchange) -> None:
        """The request is complete."""
        self._answering, self._receiving = True, False
        self._stop_timer()
        if self._half_closed:
            self._set_timer(HALF_CLOSED_SECONDS)
        exchange.request.body = bytes(exchange.body.content)
        answer = self.site.answer(exchange.route, exchange.request)
        if isinstance(answer, Deferred):
            exchange.waiting = answer
            answer.addCallback(self._respond, exchange)
        else:
            self._respond(answer, exchange)

    def _respond(self, response: Response, exchange: Exchange) -> None:
        """Send the response to the request that was received."""
        exchange.waiting = None
        if self._ended:
            return
        if self.site.closing or not self.site.server.started:
            self._persistent = False
        self._exchange, self._answering = None, False
        self._send(response, exchange.request.method != "HEAD")
        if not self._persistent:
            self._close()
            return
        self._set_timer(self.site.options.http_idle_timeout)
        if self._data:
            self._rest()
        elif self._half_closed:
            self._close()

    def _send(self, response: Response, with_body: bool) -> None:
        self.site.responses[response.status // 100] += 1
        head, body = encode(response, with_body, not self._persistent)
        if len(body) < LARGE:
            self.transport.write(head + body)
        else:
            # Which others may have wait too: it is not copied.
            self.transport.write(head)
            self.transport.write(body)
        self._goes_on_taking()

    # Refusing and ending.

    def _refuse(self, refused: Refused, response: Response | None = None) -> None:
        """Answer before the request is complete, and close."""
        self._persistent = False
        self.site.counters.count("refused", "http", f"{refused.status} {refused.text}")
        self._send(response or Response(refused.status, {"error": refused.text}, refused.headers), True)
        self._close()

    def _too_large(self, exchange: Exchange) -> None:
        error = exchange.route.error or HTTPError(413, f"the body may have {exchange.route.limit} bytes")
        answer = self.site.refusal(exchange.route, exchange.request, error)
        self._refuse(Refused(error.status, error.message), answer)

    def _set_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.site.reactor.callLater(seconds, self._look_once_more)

    def _look_once_more(self) -> None:
        # What has come while the reactor was held is read before it is judged.
        self._timer = self.site.reactor.callLater(0, self._time_is_over)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _goes_on_taking(self) -> bool:
        """Whether the client has taken some of what waits for it since this was last asked."""
        stream = getattr(self.transport, "transport", self.transport)
        before, self._taken = self._taken, getattr(stream, "taken", 0)
        return bool(getattr(stream, "pending", 0)) and self._taken > before

    def _time_is_over(self) -> None:
        self._timer = None
        if self._held:
            self._refuse(STARTING)
        elif self._receiving:
            self._refuse(Refused(408, "the request was not complete in time"))
        elif self._goes_on_taking():
            self._set_timer(self.site.options.http_idle_timeout)
        else:
            self._close()

    def _close(self) -> None:
        """Close when what was written has been taken, and in any case soon."""
        if self._ended:
            return
        self._ended = True
        self._data.clear()
        self._stop_timer()
        self.transport.unregisterProducer()
        # TLS reads to close.
        self._resume()
        self.transport.loseConnection()

    def loseConnection(self) -> None:
        """Close: the protocol in front of this one has failed."""
        self._close()

    def shut(self) -> None:
        """The server ends: close when the answer under way is sent; a long poll ends now. What changes something is not
        cut off in the middle: the end waits for it."""
        if self.at_work:
            self.site.server.owe(self._exchange.waiting)  # type: ignore[union-attr]
        elif self._exchange is not None and self._exchange.waiting is not None:
            self._exchange.cancel()
        elif self._held:
            self._refuse(STARTING)
        elif not self._answering:
            self._close()
