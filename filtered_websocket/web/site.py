"""The site: which endpoint answers a request, and what goes wrong on the way."""

import types
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from filtered_websocket.chain.deferreds import start
from filtered_websocket.chain.outcomes import outcome, report
from filtered_websocket.config import patterns
from filtered_websocket.errors import Reject, StorageAway
from filtered_websocket.web import cors
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.head import Head, is_forwarded
from filtered_websocket.web.http_connection import STARTING, HTTPConnection
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response
from filtered_websocket.web.routes import Group, Route


class Site(Factory):
    """What answers plain HTTP on one port.

    :param server: the server whose pipelines answer
    :param own: the server's own endpoints here
    :param elsewhere: its own endpoints that answer on another port
    :param public: whether the pipelines' endpoints answer here
    """

    noisy = False

    def __init__(self, server: Any, own: Group, elsewhere: Group = (), public: bool = True) -> None:
        self.server, self.counters, self.reactor = server, server.counters, server.reactor
        self.connections: set[HTTPConnection] = set()
        self.responses: Counter[int] = Counter()
        self.closing = False
        self.when_empty: Callable[[], object] | None = None
        self._own, self._elsewhere, self._public = own, elsewhere, public
        self._tables: dict[Any, tuple[Group, list[tuple[str, Group]]]] = {}

    def buildProtocol(self, addr: Any, later: Any = None) -> HTTPConnection:
        """A connection's protocol.

        :param later: the protocol that gets the connection when the server has started
        """
        return HTTPConnection(self, later)

    @property
    def options(self) -> Any:
        return self.server.options

    @property
    def full(self) -> bool:
        """Whether no further connection may come."""
        return len(self.connections) >= self.options.max_http_connections

    # Finding.

    def request(self, connection: HTTPConnection, head: Head) -> HTTPRequest:
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

    def find(self, request: HTTPRequest) -> Route:
        """Where a request goes; sets its `prefix` and `wildcards`."""
        if not self.server.started and not request.path.startswith("/health/"):
            return Route(Endpoint, None, Endpoint.max_body, HTTPError(*STARTING))
        pipeline = self.server.pipeline_for(request.path) if self._public and self.server.started else None
        prefixes = [""] if pipeline is None else pipeline.prefixes(request.raw_path)
        for pattern, group in self._table(pipeline):
            for prefix in prefixes:
                found = patterns.match(pattern, request.raw_path[len(prefix) :])
                # The server's own are at one place only.
                if found is not None and not (prefix and group[0] in self._own):
                    request.prefix, request.wildcards = unquote(prefix), tuple(unquote(each) for each in found)
                    return self._choose(group, pipeline, request)
        elsewhere = any(patterns.match(each.path, request.raw_path) is not None for each in self._elsewhere)
        if pipeline is None or elsewhere or request.method not in ("GET", "HEAD"):
            error = HTTPError(404, "nothing is served here")
        else:
            upgrade = (("Upgrade", "websocket"), ("Connection", "Upgrade"))
            error = HTTPError(426, "a WebSocket is served here", upgrade)
        return Route(Endpoint, pipeline, Endpoint.max_body, error)

    def _choose(self, group: Any, pipeline: Any, request: HTTPRequest) -> Route:
        method = request.method
        for endpoint in group:
            if method in endpoint.methods or (method == "HEAD" and "GET" in endpoint.methods):
                return Route(endpoint, pipeline, endpoint.body_limit(pipeline), None, group)
        first = group[0]
        error = None
        if method != "OPTIONS":
            error = HTTPError(405, f"{method} is not served here", (("Allow", cors.allow(group)),))
        return Route(first, pipeline, Endpoint.max_body, error, group)

    def _table(self, pipeline: Any) -> list[tuple[str, Group]]:
        """The endpoints of a pipeline and the server's own by path, the most specific first."""
        endpoints: Group = pipeline.endpoints if pipeline is not None else ()
        known = self._tables.get(pipeline)
        if known is None or known[0] is not endpoints:
            groups: dict[str, list[Any]] = {}
            for each in endpoints:
                groups.setdefault(each.path, []).append(each)
            for each in self._own:
                if not any(theirs.path == each.path for theirs in endpoints):
                    groups.setdefault(each.path, []).append(each)
            order = sorted(groups, key=patterns.rank, reverse=True)
            known = self._tables[pipeline] = (endpoints, [(path, tuple(groups[path])) for path in order])
        return known[1]

    # Answering.

    def answer(self, route: Route, request: HTTPRequest) -> Any:
        """The response to a complete request, or a Deferred of it, which does not fail and may be cancelled."""
        if route.error is not None:
            # Rendered, not raised: raised, it would keep the frames that keep it.
            return self._failed(route.error, route, request)
        try:
            if request.method == "OPTIONS" and "OPTIONS" not in route.endpoint.methods:
                return self._finished(cors.options(route.group, request), route, request)
            result = route.endpoint.handle(route.pipeline, request)
            if isinstance(result, types.CoroutineType):
                result = start(result)
            if isinstance(result, Deferred):
                result.addCallback(self._finished, route, request)
                return result.addErrback(self._errback, route, request)
            return self._finished(result, route, request)
        except BaseException as error:
            return self._failed(error, route, request)

    def refusal(self, route: Route, request: HTTPRequest, error: HTTPError) -> Response:
        """An error as the endpoint renders it."""
        return self._failed(error, route, request)

    def _finished(self, result: Any, route: Route, request: HTTPRequest) -> Response:
        response = Response.of(result)
        says = cors.headers(self.server, route.endpoint, route.pipeline, request)
        if says:
            response.headers = (*response.headers, *says)
        return response

    def _errback(self, failure: Failure, route: Route, request: HTTPRequest) -> Response:
        return self._failed(failure.value or CancelledError(), route, request)

    def _failed(self, error: BaseException, route: Route, request: HTTPRequest) -> Response:
        answer = self._as_answer(error)
        try:
            return self._finished(route.endpoint.render_error(answer), route, request)
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

    def gone(self, connection: HTTPConnection) -> None:
        self.connections.discard(connection)
        self.server.admission.leave(connection)
        if not self.connections and self.when_empty is not None:
            self.when_empty()
