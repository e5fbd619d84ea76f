"""Connections to one server, kept for the next request.

Twisted's own pool hands out the one that was unused for longest, takes an answer of HTTP/1.0 and ``Connection: Close``
for one that can be followed by another, and does not see an end that the reactor is yet to read.
"""

import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from twisted.internet.protocol import Factory
from twisted.web.client import URI, HTTP11ClientProtocol

from filtered_websocket.chain.clock import DelayedCall
from filtered_websocket.filters.shared.http_client.bounded import Bounded, BoundedFactory
from filtered_websocket.filters.shared.public_addresses import Endpoint

KEEP_SECONDS = 1.5
"""How long one is kept unused: less than servers do. Of the usual ones 2 s are the least."""


class HTTP(HTTP11ClientProtocol):
    """
    :param free: called with it when an answer is complete and another request may follow
    :ivar is_kept: it has had a request before this one
    """

    is_kept = False
    _is_last = False

    def __init__(self, free: Callable[["HTTP"], object]) -> None:
        super().__init__(self._complete)
        self._free = free

    def _finishResponse(self, rest: bytes) -> None:
        # What is said beyond the answer would be taken for that to the next request.
        self._is_last = bool(rest)
        super()._finishResponse(rest)

    def _complete(self, _: Any) -> None:
        parser: Any = self._parser
        said = parser.connHeaders.getRawHeaders(b"Connection", ())
        words = {each.strip().lower() for line in said for each in line.split(b",")}
        version = parser.response.version[1:]
        may_follow = b"close" not in words and (version >= (1, 1) or b"keep-alive" in words)
        if may_follow and not self._is_last and parser.response.code != HTTPStatus.REQUEST_TIMEOUT:
            self.is_kept = True
            self._free(self)
        else:
            end(self)


class Connections:
    """
    :param url: of the server; its path does not count
    :param longest: bytes that an answer may have, head and body
    :param private: whether the server may have an address that is not public
    :ivar unused: that are kept now, the one that was used last at the end, and when each was
    """

    def __init__(self, reactor: Any, url: URI, longest: int, private: bool = True) -> None:
        self._reactor, self._longest = reactor, longest
        self._endpoint = Endpoint(reactor, url, private)
        self.unused: list[tuple[HTTP, float]] = []
        self._look: DelayedCall | None = None
        self._is_closed = False

    async def take(self) -> HTTP:
        """One for a request; it comes back by itself.

        :raises Exception: there is none, and none can be made
        """
        while self.unused:
            kept, _ = self.unused.pop()
            if kept.state == "QUIESCENT" and not has_ended(kept):
                transport: Any = kept.transport
                transport.left = self._longest
                return kept
            end(kept)
        inner: Any = Factory.forProtocol(lambda: HTTP(self._free))
        factory: Any = BoundedFactory(inner, self._longest)
        bounded: Bounded = await self._endpoint.connect(factory)
        made: HTTP = bounded.wrappedProtocol
        return made

    def close(self) -> None:
        """End those that are unused, and others as soon as they are. One more may be taken: it is not kept."""
        self._is_closed = True
        if self._look is not None:
            self._look.cancel()
            self._look = None
        unused, self.unused = self.unused, []
        for kept, _ in unused:
            end(kept)

    def _free(self, connection: HTTP) -> None:
        if self._is_closed:
            end(connection)
            return
        self.unused.append((connection, self._reactor.seconds()))
        if self._look is None:
            self._look = self._reactor.callLater(KEEP_SECONDS, self._end_old)

    def _end_old(self) -> None:
        self._look = None
        now = self._reactor.seconds()
        while self.unused and self.unused[0][1] + KEEP_SECONDS <= now:
            end(self.unused.pop(0)[0])
        if self.unused:
            self._look = self._reactor.callLater(self.unused[0][1] + KEEP_SECONDS - now, self._end_old)


def end(connection: HTTP) -> None:
    """Close it in good order; of TLS too, without waiting for the server's own close."""
    transport: Any = connection.transport
    transport.loseConnection()
    _lowest(transport).loseConnection()


def has_ended(connection: HTTP) -> bool:
    """Whether the server has closed it, or said something, and the reactor has not read it yet."""
    handle = _lowest(connection.transport).getHandle()
    try:
        handle.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _lowest(transport: Any) -> Any:
    """The transport that has the socket."""
    while isinstance(transport, Bounded) or hasattr(transport, "wrappedProtocol"):
        transport = transport.transport
    return transport
