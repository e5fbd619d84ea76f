"""One HTTP connection: heads and bodies are read by `web.head` and `web.body`, answers are given by the site.

Rules:

1. One request at a time: what a client has sent behind it is read when the answer has left, and of what waits no more
   is taken from the kernel than `MAX_WAITING`.
2. A connection leaves the reactor to others as WebSockets do (`limits.fair_share`): after each answer, and when its
   share of the turn is used up, it goes on in a later one, and all that wait so have one share between them.
3. A request must be complete within a time of its own, however slowly it trickles. A connection at rest has another.
   One that is closed ends as all do (`transport.streams`, rule 3).
4. A client that has closed its side gets the answers to what it has asked before; a long poll or a stream ends.
5. A client that is refused before its request is complete gets the whole answer: the rest of what it sends is read and
   dropped for a moment, because closing at once would reset the connection and take the answer away.
6. While the server starts, a handshake waits for it, at most `handshake_timeout`; health is answered at once.
7. A wrong request is a value (`Refused`), not an exception: an exception keeps the frames, and these the bytes, of
   every request that was wrong.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from zope.interface import implementer

from filtered_websocket.transport.streams import LARGE
from filtered_websocket.web.deadline import Deadline
from filtered_websocket.web.exchange import Exchange
from filtered_websocket.web.hand_over import HandOver
from filtered_websocket.web.head import Refused
from filtered_websocket.web.http_parts import HTTPSite
from filtered_websocket.web.interfaces import Later, Transport
from filtered_websocket.web.receiving import Receiving
from filtered_websocket.web.response import HTTPError, Response, encode
from filtered_websocket.web.routes import STARTING
from filtered_websocket.web.stream_writer import StreamWriter
from filtered_websocket.web.streaming import Streaming
from filtered_websocket.web.taking import Taking

_log = Logger()

HALF_CLOSED_SECONDS = 5.0
"""How long a client that has closed its side, and may have gone, is answered: each of its requests."""


@implementer(IPushProducer)
class HTTPConnection(Receiving, Streaming, HandOver, Protocol):
    """One HTTP connection.

    :param site: what answers
    :param later: the protocol that gets the connection as soon as the server serves more than its health
    """

    transport: Transport  # type: ignore[assignment]

    def __init__(self, site: HTTPSite, later: Later | None = None) -> None:
        self.site = site
        self._later = later
        self._data = bytearray()
        self._searched = 0
        self._exchange: Exchange | None = None
        self._deadline = Deadline(site.reactor)
        self._dropped = 0
        self._persistent = True
        self._receiving = self._answering = self._yielded = self._stalled = self._paused = self._ended = False
        self._half_closed = False
        #: a handshake waits until the server has started
        self._held = False

    def connectionMade(self) -> None:
        self.site.connections.add(self)
        self._taking = Taking(self.transport)
        self.transport.registerProducer(self, True)
        self._set_deadline(self.site.options.http_idle_timeout)

    def connectionLost(self, reason: Any = None) -> None:
        self._deadline.stop()
        self._ended, self._yielded = True, False
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.cancel()
        self.site.gone(self)
        # What was received goes at once, not when the garbage collector comes.
        self._data.clear()
        self.former = self._later = None

    @property
    def at_work(self) -> bool:
        """Whether a request is being answered that may change something."""
        return self._exchange is not None and self._exchange.at_work

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
        if self._answering and exchange is not None and exchange.is_long_poll:
            return False
        if not self._half_closed:
            self._half_closed = True
            self._set_deadline(HALF_CLOSED_SECONDS)
        return True

    def pauseProducing(self) -> None:
        """The client does not take what was written."""
        self._stalled = True
        self._stream_stalls()

    def resumeProducing(self) -> None:
        """It has taken it."""
        self._stalled = False
        self._yield_turn()
        self._stream_goes_on()

    def stopProducing(self) -> None:
        """The transport is lost: `connectionLost` follows."""

    def _yield_turn(self) -> None:
        """Go on in a later turn."""
        if not (self._yielded or self._answering or self._ended):
            self._yielded = True
            self.site.server.fair_share.add(self)

    def proceed(self) -> None:
        """Handle what waits, or a part of it."""
        if not self._yielded:
            return
        self._yielded = False
        try:
            self._read_on()
        except Exception:
            _log.failure("an HTTP connection has failed")
            self.transport.abortConnection()

    # Answering.

    def _answer(self, exchange: Exchange) -> None:
        """The request is complete."""
        self._answering, self._receiving = True, False
        self._deadline.stop()
        if self._half_closed:
            self._set_deadline(HALF_CLOSED_SECONDS)
        exchange.request.body = bytes(exchange.body.content)
        answer = self.site.answer(exchange.route, exchange.request)
        if isinstance(answer, Deferred):
            exchange.waiting = answer
            answer.addCallback(self._respond, exchange)
        else:
            self._respond(answer, exchange)

    def _respond(self, response: Response | StreamWriter, exchange: Exchange) -> None:
        """Send the response to the request that was received."""
        exchange.waiting = None
        if isinstance(response, StreamWriter):
            self._begin_stream(response, exchange)
        if isinstance(response, StreamWriter) or self._ended:
            return
        if self.site.closing or not self.site.server.started:
            self._persistent = False
        self._exchange, self._answering = None, False
        self._send(response, exchange.request.method != "HEAD")
        if not self._persistent:
            self._close()
            return
        self._set_deadline(self.site.options.http_idle_timeout)
        if self._data:
            self._yield_turn()
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
        self._taking.goes_on()

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

    def _set_deadline(self, seconds: float) -> None:
        self._deadline.set(seconds, self._time_is_over)

    def _time_is_over(self) -> None:
        if self._held:
            self._refuse(STARTING)
        elif self._receiving:
            self._refuse(Refused(408, "the request was not complete in time"))
        elif self._exchange is not None and self._exchange.stream is not None:
            self._stream_waits(self._exchange.stream)
        elif self._taking.goes_on():
            self._set_deadline(self.site.options.http_idle_timeout)
        else:
            self._close()

    def _close(self) -> None:
        """Close when what was written has been taken, and in any case soon."""
        if self._ended:
            return
        self._ended = True
        self._data.clear()
        self._deadline.stop()
        self.transport.unregisterProducer()
        # A pause would go on watching for an end that is ours now.
        self._resume()
        self.transport.loseConnection()

    def loseConnection(self) -> None:
        """Close: the protocol in front of this one has failed."""
        self._close()

    def shut(self) -> None:
        """The server ends: close when the answer under way is sent; a long poll ends now. What changes something is not
        cut off in the middle: the end waits for it."""
        exchange = self._exchange
        if exchange is not None and exchange.waiting is not None:
            if exchange.at_work:
                self.site.server.owe(exchange.waiting)
            else:
                exchange.cancel()
        elif exchange is not None and exchange.stream is not None:
            exchange.stream.complete()
        elif self._held:
            self._refuse(STARTING)
        elif not self._answering:
            self._close()
