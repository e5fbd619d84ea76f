"""The site: what answers plain HTTP on one port, and what goes wrong on the way."""

import types
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.interfaces import Options
from filtered_websocket.chain.outcomes import outcome, report
from filtered_websocket.errors import Reject, StorageAway
from filtered_websocket.web import cors
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.head import Head, is_forwarded
from filtered_websocket.web.http_connection import HTTPConnection
from filtered_websocket.web.interfaces import HTTPClient, HTTPServer, Later
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response, Stream
from filtered_websocket.web.routes import Group, Route, Routes
from filtered_websocket.web.stream_writer import StreamWriter

Answer = Response | StreamWriter
R = TypeVar("R", bound=Response | Stream)


class Site(Factory):
    """What answers plain HTTP on one port.

    :param server: the server whose pipelines answer
    :param own: the server's own endpoints here
    :param elsewhere: its own endpoints that answer on another port
    :param public: whether the pipelines' endpoints answer here
    """

    noisy = False

    def __init__(self, server: HTTPServer, own: Group, elsewhere: Group = (), public: bool = True) -> None:
        self.server, self.counters, self.reactor = server, server.counters, server.reactor
        self.connections: set[HTTPClient] = set()
        self.responses: Counter[int] = Counter()
        self.closing = False
        self.when_empty: Callable[[], object] | None = None
        self.routes = Routes(server, own, elsewhere, public)

    def buildProtocol(self, addr: Any, later: Later | None = None) -> HTTPConnection:
        """A connection's protocol.

        :param later: the protocol that gets the connection when the server has started
        """
        return HTTPConnection(self, later)

    @property
    def options(self) -> Options:
        return self.server.options

    @property
    def full(self) -> bool:
        """Whether no further connection may come."""
        return len(self.connections) >= int(self.options.max_http_connections)

    def request(self, connection: HTTPClient, head: Head) -> HTTPRequest:
        """The request of this head."""
        server, headers = self.server, head.headers
        return HTTPRequest(
            head.method,
            head.target,
            headers,
            peer=server.client_of(connection.transport, headers),
            secure=server.is_secure_for(headers, connection.is_secure),
            direct=not (self.options.trusted_proxies or is_forwarded(headers)),
            server=server,
        )

    # Answering.

    def answer(self, route: Route, request: HTTPRequest) -> Answer | Deferred[Answer]:
        """The response to a complete request, or a Deferred of it, which does not fail and may be cancelled."""
        if route.error is not None:
            # Rendered, not raised: raised, it would keep the frames that keep it.
            return self._failed(route.error, route, request)
        try:
            if request.method == "OPTIONS" and "OPTIONS" not in route.endpoint.methods:
                return self._allow(cors.options(route.group, request), route, request)
            result = route.endpoint.handle(route.pipeline, request)
            if isinstance(result, types.CoroutineType):
                result = start(result)
            if isinstance(result, Deferred):
                result.addCallback(self._finished, route, request)
                return result.addErrback(self._errback, route, request)
            finished = self._finished(result, route, request)
            return finished.addErrback(self._errback, route, request) if isinstance(finished, Deferred) else finished
        except BaseException as error:
            return self._failed(error, route, request)

    def refusal(self, route: Route, request: HTTPRequest, error: HTTPError) -> Response:
        """An error as the endpoint renders it."""
        return self._failed(error, route, request)

    def _finished(self, result: Any, route: Route, request: HTTPRequest) -> Response | Deferred[StreamWriter]:
        if isinstance(result, Stream):
            self._allow(result, route, request)
            return start(StreamWriter(result, request).open())
        return self._allow(Response.of(result), route, request)

    def _allow(self, response: R, route: Route, request: HTTPRequest) -> R:
        """Say in the response which pages of other origins may read it."""
        says = cors.headers(self.server, route.endpoint, route.pipeline, request)
        if says:
            response.headers = (*response.headers, *says)
        return response

    def _errback(self, failure: Failure, route: Route, request: HTTPRequest) -> Response:
        return self._failed(failure.value or CancelledError(), route, request)

    def _failed(self, error: BaseException, route: Route, request: HTTPRequest) -> Response:
        answer = self._as_answer(error)
        try:
            return self._allow(Response.of(route.endpoint.render_error(answer)), route, request)
        except Exception as worse:
            report(self.counters, worse, reason="endpoint")
            return Endpoint.render_error(HTTPError(500))

    def _as_answer(self, error: BaseException) -> HTTPError:
        if isinstance(error, HTTPError):
            return error
        meant = outcome(error, (Reject, StorageAway, CancelledError))
        if meant.failed:
            report(self.counters, error, reason="endpoint")
        return HTTPError(meant.status, meant.text, meant.headers)

    # Ending.

    def shut(self) -> None:
        """Close what rests, end long polls with 503; what is being answered is closed behind its answer."""
        self.closing = True
        for connection in list(self.connections):
            connection.shut()

    def abort(self, at_work: bool = True) -> None:
        """Cut off all connections.

        :param at_work: those too whose request changes something
        """
        for connection in list(self.connections):
            if at_work or not connection.at_work:
                connection.transport.abortConnection()

    def gone(self, connection: HTTPClient) -> None:
        self.connections.discard(connection)
        self.server.admission.leave(connection)
        if not self.connections and self.when_empty is not None:
            self.when_empty()
