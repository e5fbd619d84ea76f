"""What an HTTP connection receives: one request at a time, as far as its share of a turn goes."""

from time import perf_counter

from filtered_websocket.limits.fair_share import SHARE_SECONDS
from filtered_websocket.transport.lingering import LINGER_BYTES
from filtered_websocket.web import upgrade
from filtered_websocket.web.body import Chunked, Sized
from filtered_websocket.web.exchange import Exchange
from filtered_websocket.web.head import Head, Refused, begin_of, body_length, end_of, parse, words
from filtered_websocket.web.http_parts import HTTPParts

MAX_WAITING = 16 * 1024
"""Bytes behind a request that is being answered, above which reading pauses. Below it, the client's end is noticed."""


class Receiving(HTTPParts):
    """The receiving half of an HTTP connection."""

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
            self._read_on()

    def _read_on(self) -> None:
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
                self._yield_turn()
                break
        if self._half_closed and not self._is_busy():
            self._close()
        if not (self._ended or (self._is_busy() and len(self._data) > MAX_WAITING)):
            self._resume()

    def _read_head(self) -> None:
        if not self._receiving:
            del self._data[: begin_of(self._data)]
            if not self._data or self._data == b"\r":
                return
            self._receiving = True
            self._set_deadline(self.site.options.http_request_timeout)
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
            elif self.former is not None and upgrade.is_asked(head) and not self._taking.pending:
                # A WebSocket begins with nothing waiting. A client that has not read the answers before gets 426.
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
