"""A request: the one that opened a WebSocket, and the ones of plain HTTP.

What a connection keeps of its request is the bytes of the head. They are read again when a filter asks for a header.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from filtered_websocket.web.head import Head, elements, parse, path_of
from filtered_websocket.web.interfaces import HTTPServer
from filtered_websocket.web.query import parameters
from filtered_websocket.web.response import HTTPError
from filtered_websocket.web.trace_parent import TraceParent, read

MAX_DEPTH = 64
"""Deepest nesting of a JSON body: what is deeper may hold no function that walks it."""


class Request:
    """The request that opened a WebSocket. It lives as long as its connection.

    :param head: as it was read from the client
    :param peer: the client's address, behind trusted proxies the one they report
    :ivar uri: path and query, as sent
    :ivar path: percent-decoded, without the query
    """

    __slots__ = ("_headers", "_raw", "path", "peer", "uri")

    def __init__(self, head: Head, peer: str = "") -> None:
        self._raw = head.raw
        self._headers: Mapping[str, str] | None = head.headers
        self.peer = peer
        self.uri = head.target
        self.path = path_of(head.target) or "/"

    @property
    def params(self) -> dict[str, list[str]]:
        """The query's parameters: name -> values."""
        return parameters(self.uri.partition("?")[2])

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers by lower-case name; a header sent several times is joined by commas (RFC 9110, 5.3)."""
        if self._headers is None:
            head = parse(self._raw)
            assert isinstance(head, Head)
            self._headers = head.headers
        return self._headers

    def forget(self) -> None:
        """Drop what was parsed: it can be parsed again."""
        self._headers = None

    @property
    def traceparent(self) -> TraceParent | None:
        """The trace that the client's request is part of, by its header of this name; None where it is invalid too."""
        headers = self._headers
        if headers is None:
            # Not kept: the log alone asks, and a connection would hold its headers from then on.
            head = parse(self._raw)
            assert isinstance(head, Head)
            headers = head.headers
        return read(headers.get("traceparent", ""))

    @property
    def host(self) -> str:
        """The Host header: the name, with the port if one was sent."""
        return self.headers.get("host", "")

    @property
    def origin(self) -> str | None:
        """The Origin header, None when there is none: browsers always send one, other clients need not."""
        return self.headers.get("origin")

    @property
    def protocols(self) -> list[str]:
        """The subprotocols the client offers, in its order of preference."""
        return elements(self.headers.get("sec-websocket-protocol", ""))

    def __repr__(self) -> str:
        # Without the query: tokens travel there.
        return f"<Request {self.path!r} from {self.peer}>"


class HTTPRequest(Request):
    """One request of plain HTTP, complete with its body.

    :param uri: the request target as sent: path and query
    :param headers: by lower-case name; a header sent several times joined by commas
    :param secure: the client speaks TLS, to us or to the outermost trusted proxy
    :param direct: nothing says that a proxy stands between
    :ivar prefix: the beginning of the path that is the pipeline's, "/live" in `/live/*`, where the endpoint's own path
        stands behind one
    :ivar wildcards: what each `*` of the endpoint's path stands for, percent-decoded
    """

    def __init__(
        self,
        method: str,
        uri: str,
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes = b"",
        *,
        peer: str = "",
        secure: bool = False,
        direct: bool = True,
        server: HTTPServer | None = None,
    ) -> None:
        super().__init__(Head(b"", method, uri, "1.1", headers), peer)
        self.method, self.body = method, body
        self.secure, self.direct, self._server = secure, direct, server
        self.raw_path, _, self.query = uri.partition("?")
        self.prefix = ""
        self.wildcards: tuple[str, ...] = ()

    @property
    def server(self) -> HTTPServer:
        """What all pipelines share."""
        assert self._server is not None
        return self._server

    @property
    def params(self) -> dict[str, list[str]]:
        """The query's parameters: name -> values.

        :raises HTTPError: 400, there are more than any form has
        """
        try:
            return parameters(self.query, most=1000)
        except ValueError:
            raise HTTPError(400, "too many parameters") from None

    def argument(self, name: str, default: Any = None) -> Any:
        """The first value of a query's parameter."""
        return self.params.get(name, [default])[0]

    @property
    def cookies(self) -> dict[str, str]:
        """Cookies by name, as sent."""
        pairs = (pair.partition("=") for pair in self.headers.get("cookie", "").split(";"))
        return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}

    def forget(self) -> None:
        """Nothing to drop: a request of plain HTTP ends with its answer."""

    def json(self, wanted: type = object) -> Any:
        """The body as JSON.

        :param wanted: what it must be, such as ``dict``
        :raises HTTPError: 400, it is none, is not what is wanted, or is nested deeper than `MAX_DEPTH`
        """
        try:
            value = json.loads(self.body.decode("utf-8"), parse_constant=_refuse)
        except RecursionError:
            raise HTTPError(400, "the JSON in the body is nested too deeply") from None
        except ValueError:
            raise HTTPError(400, "JSON is wanted in the body") from None
        if not isinstance(value, wanted):
            raise HTTPError(400, f"a JSON {'object' if wanted is dict else wanted.__name__} is wanted in the body")
        level = [value]
        for _ in range(MAX_DEPTH + 1):
            level = [
                inner
                for each in level
                if isinstance(each, (dict, list))
                for inner in (each.values() if isinstance(each, dict) else each)
            ]
            if not level:
                return value
        raise HTTPError(400, "the JSON in the body is nested too deeply")

    def __repr__(self) -> str:
        # Without the query: tokens travel there.
        return f"<HTTPRequest {self.method} {self.path} from {self.peer}>"


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
