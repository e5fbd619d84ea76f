"""What the parts of an HTTP connection share: its state, and what they ask of each other."""

from collections import Counter
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ISSLTransport

from filtered_websocket.chain.clock import Clock
from filtered_websocket.chain.counters import Counters
from filtered_websocket.chain.interfaces import Options
from filtered_websocket.web.deadline import Deadline
from filtered_websocket.web.exchange import Exchange
from filtered_websocket.web.head import Head, Refused
from filtered_websocket.web.interfaces import HTTPClient, HTTPServer, Later, Transport
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response
from filtered_websocket.web.routes import Route, Routes
from filtered_websocket.web.stream_writer import StreamWriter
from filtered_websocket.web.taking import Taking

Answer = Response | StreamWriter


class HTTPSite(Protocol):
    """The site, as its connections know it."""

    @property
    def server(self) -> HTTPServer: ...
    @property
    def reactor(self) -> Clock: ...
    @property
    def options(self) -> Options: ...
    @property
    def counters(self) -> Counters: ...
    @property
    def responses(self) -> Counter[int]: ...
    @property
    def routes(self) -> Routes: ...
    @property
    def connections(self) -> set[HTTPClient]: ...
    @property
    def closing(self) -> bool: ...
    def request(self, connection: HTTPClient, head: Head) -> HTTPRequest: ...
    def answer(self, route: Route, request: HTTPRequest) -> Answer | Deferred[Answer]: ...
    def refusal(self, route: Route, request: HTTPRequest, error: HTTPError) -> Response: ...
    def gone(self, connection: HTTPClient) -> None: ...


class HTTPParts:
    """The connection as each of its parts sees it.

    :ivar former: the protocol that handed the connection over
    """

    transport: Transport
    site: HTTPSite
    former: Later | None = None
    _later: Later | None
    _taking: Taking
    _deadline: Deadline
    _exchange: Exchange | None
    _data: bytearray
    """What was received and not yet read."""
    _searched: int
    """Bytes of an unfinished head that hold no end of it."""
    _dropped: int
    """Bytes that came after the end."""
    _persistent: bool
    """Whether another request may follow on this connection."""
    _receiving: bool
    _answering: bool
    _yielded: bool
    _stalled: bool
    """The client does not take what was written."""
    _paused: bool
    """We do not read."""
    _ended: bool
    _half_closed: bool
    _held: bool
    """A handshake waits until the server has started."""

    @property
    def is_secure(self) -> bool:
        return bool(ISSLTransport.providedBy(self.transport))

    @property
    def at_work(self) -> bool:
        """Whether a request is being answered that may change something."""
        raise NotImplementedError

    def server_started(self) -> None:
        """What came before may be served now, in its turn."""
        raise NotImplementedError

    def shut(self) -> None:
        """The server ends."""
        raise NotImplementedError

    def _is_busy(self) -> bool:
        """Whether what has come waits for something else than more of it."""
        return self._answering or self._yielded or self._stalled or self._held

    def _set_deadline(self, seconds: float) -> None:
        raise NotImplementedError

    def _resume(self) -> None:
        """Read again."""
        if self._paused:
            self._paused = False
            self.transport.resumeProducing()

    def _yield_turn(self) -> None:
        """Go on in a later turn."""
        raise NotImplementedError

    def _answer(self, exchange: Exchange) -> None:
        """The request is complete."""
        raise NotImplementedError

    def _refuse(self, refused: Refused) -> None:
        """Answer before the request is complete, and close."""
        raise NotImplementedError

    def _send(self, response: Response, with_body: bool) -> None:
        """Write a complete response."""
        raise NotImplementedError

    def _too_large(self, exchange: Exchange) -> None:
        """Refuse a body."""
        raise NotImplementedError

    def _close(self) -> None:
        """Close when what was written has been taken, and in any case soon."""
        raise NotImplementedError

    def _hold(self, head: Head) -> None:
        """Keep a handshake until the server has started."""
        raise NotImplementedError

    def _give_back(self, head: Head) -> None:
        """Let the protocol that handed this connection over have it again, with the request that was just read."""
        raise NotImplementedError

    def _hand_on(self, later: Later) -> None:
        """Let the protocol that was meant to have this connection have it, with all that has come."""
        raise NotImplementedError
