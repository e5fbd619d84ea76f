"""Which endpoint answers a request."""

from typing import NamedTuple, cast
from urllib.parse import unquote

from filtered_websocket.chain.interfaces import Pipeline, Server
from filtered_websocket.config import patterns
from filtered_websocket.web import cors
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.head import Refused
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError

Group = tuple[type[Endpoint], ...]

STARTING = Refused(503, "the server is starting", (("Retry-After", "1"),))
NO_PIPELINE = cast(Pipeline, None)
"""Where no pipeline has the path. Of endpoints only the server's own are found there, and these take it."""
UPGRADE = (("Upgrade", "websocket"), ("Connection", "Upgrade"))


class Route(NamedTuple):
    """Where a request goes.

    :ivar endpoint: what answers, or at least renders the error
    :ivar pipeline: `NO_PIPELINE` where none has the path
    :ivar limit: bytes that the body may have
    :ivar error: there is no answer but this
    :ivar group: all endpoints of that path
    """

    endpoint: type[Endpoint]
    pipeline: Pipeline
    limit: int
    error: HTTPError | None = None
    group: Group = ()


class Routes:
    """The endpoints of one port.

    :param own: the server's own endpoints here
    :param elsewhere: its own endpoints that answer on another port
    :param public: whether the pipelines' endpoints answer here
    """

    def __init__(self, server: Server, own: Group, elsewhere: Group, public: bool) -> None:
        self._server = server
        self._own, self._elsewhere, self._public = own, elsewhere, public
        self._tables: dict[Pipeline | None, tuple[Group, list[tuple[str, Group]]]] = {}

    def find(self, request: HTTPRequest) -> Route:
        """Where a request goes; sets its `prefix` and `wildcards`."""
        if not self._server.started and not request.path.startswith("/health/"):
            return Route(Endpoint, NO_PIPELINE, Endpoint.max_body, HTTPError(*STARTING))
        pipeline = self._server.pipeline_for(request.path) if self._public and self._server.started else None
        prefixes = [""] if pipeline is None else pipeline.prefixes(request.raw_path)
        for pattern, group in self._table(pipeline):
            for prefix in prefixes:
                found = patterns.match(pattern, request.raw_path[len(prefix) :])
                # The server's own are at one place only.
                if found is not None and not (prefix and group[0] in self._own):
                    request.prefix, request.wildcards = unquote(prefix), tuple(unquote(each) for each in found)
                    return self._choose(group, pipeline or NO_PIPELINE, request)
        elsewhere = any(patterns.match(each.path, request.raw_path) is not None for each in self._elsewhere)
        if pipeline is None or elsewhere or request.method not in ("GET", "HEAD"):
            error = HTTPError(404, "nothing is served here")
        else:
            error = HTTPError(426, "a WebSocket is served here", UPGRADE)
        return Route(Endpoint, pipeline or NO_PIPELINE, Endpoint.max_body, error)

    def _choose(self, group: Group, pipeline: Pipeline, request: HTTPRequest) -> Route:
        """The endpoint of a path that answers this method."""
        method = request.method
        for endpoint in group:
            if method in endpoint.methods or (method == "HEAD" and "GET" in endpoint.methods):
                return Route(endpoint, pipeline, endpoint.body_limit(pipeline), None, group)
        error = None
        if method != "OPTIONS":
            error = HTTPError(405, f"{method} is not served here", (("Allow", cors.allow(group)),))
        return Route(group[0], pipeline, Endpoint.max_body, error, group)

    def _table(self, pipeline: Pipeline | None) -> list[tuple[str, Group]]:
        """The endpoints of a pipeline and the server's own by path, the most specific first."""
        endpoints: Group = pipeline.endpoints if pipeline is not None else ()
        known = self._tables.get(pipeline)
        if known is None or known[0] is not endpoints:
            groups: dict[str, list[type[Endpoint]]] = {}
            for each in endpoints:
                groups.setdefault(each.path, []).append(each)
            for each in self._own:
                if not any(theirs.path == each.path for theirs in endpoints):
                    groups.setdefault(each.path, []).append(each)
            order = sorted(groups, key=patterns.rank, reverse=True)
            known = self._tables[pipeline] = (endpoints, [(path, tuple(groups[path])) for path in order])
        return known[1]
