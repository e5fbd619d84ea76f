"""Endpoints: classes that answer HTTP requests, and join their pipeline by being defined, as filters do.

>>> class Hello(Endpoint):
...     path = "/hello/*"
...     @classmethod
...     def handle(cls, pipeline, request):
...         return {"hello": request.wildcards[0]}

Rules:

1. A subclass of `Endpoint` with a `path` is registered; one without is a base for others. Several of a name are
   several; one takes the place of its former self only when its module is reloaded (`registry`).
2. An endpoint belongs to the pipelines that bring its module, and answers for paths that fit their patterns: for its
   own path, and for that behind the beginning that the pattern fixes. In a pipeline of `/live/*`, `/hello/*` is served
   at `/live/hello/*`.
3. Of the endpoints that fit a path the most specific answers (`paths.rank`); a pack's comes before the server's own.
4. `handle` returns a `Response`, a body (str, bytes, or a dict or list as JSON), or a Deferred or coroutine of those. A
   long poll is a Deferred that is not fired yet: when the client goes away, it is cancelled.
5. What goes wrong is ``raise HTTPError``; any other exception is logged and answered with 500 and no detail.
"""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

from filtered_websocket.chain.registry import Registry
from filtered_websocket.web.head import path_of

MAX_DEPTH = 64
"""Deepest nesting of a JSON body: what is deeper may hold no function that walks it."""

Headers = Iterable[tuple[str, str]]


class EndpointMeta(type):
    """The metaclass of endpoints: a class with a path registers itself when it is defined."""

    registered: "Registry[EndpointMeta]"
    path: str

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        if getattr(cls, "path", ""):
            EndpointMeta.registered.join(cls, namespace)


EndpointMeta.registered = Registry(EndpointMeta)


class HTTPError(Exception):
    """Answer with an error.

    :param status: 400 to 599
    :param message: one sentence for the client
    :param headers: pairs of ``(name, value)`` beside those of the rendered error
    """

    def __init__(self, status: int, message: str = "", headers: Headers = ()) -> None:
        super().__init__(status, message)
        self.status, self.headers = status, tuple(headers)
        known = status in HTTPStatus._value2member_map_
        self.message = message or (HTTPStatus(status).phrase if known else f"error {status}")


class Response:
    """A complete answer.

    :param body: bytes, str (sent as UTF-8), or anything else as JSON
    :param headers: pairs of ``(name, value)``; a name may come several times
    :param content_type: None for the one that goes with the kind of body
    """

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(self, status: int = 200, body: Any = b"", headers: Headers = (), content_type: str | None = None):
        self.status, self.headers = status, tuple(headers)
        if isinstance(body, (bytes, bytearray)):
            self.body, kind = bytes(body), "application/octet-stream"
        elif isinstance(body, str):
            self.body, kind = body.encode("utf-8", "replace"), "text/plain; charset=utf-8"
        else:
            self.body, kind = json.dumps(body, separators=(",", ":")).encode(), "application/json"
        self.content_type = kind if content_type is None else content_type

    @classmethod
    def of(cls, result: Any) -> "Response":
        """What an endpoint returned, as a response; None is 204."""
        if isinstance(result, Response):
            return result
        if result is None:
            return cls(204)
        if not isinstance(result, (bytes, bytearray, str, dict, list)):
            raise TypeError(f"an endpoint returns a Response, str, bytes, dict or list, not {type(result).__name__}")
        return cls(200, result)


class HTTPRequest:
    """One request, complete with its body.

    :param uri: the request target as sent: path and query
    :param headers: by lower-case name; a header sent several times joined by commas
    :param peer: the client's address, behind trusted proxies the one they report
    :param secure: the client speaks TLS, to us or to the outermost trusted proxy
    :param direct: nothing says that a proxy stands between
    :ivar path: percent-decoded, without the query
    :ivar prefix: the beginning of the path that is the pipeline's, "/live" in `/live/*`, where the endpoint's own path
        stands behind one
    :ivar wildcards: what each `*` of the endpoint's path stands for, percent-decoded
    :ivar server: what all pipelines share
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
        server: Any = None,
    ) -> None:
        self.method, self.uri, self.headers, self.body = method, uri, headers, body
        self.peer, self.secure, self.direct, self.server = peer, secure, direct, server
        self.raw_path, _, self.query = uri.partition("?")
        self.path = path_of(uri) or "/"
        self.prefix = ""
        self.wildcards: tuple[str, ...] = ()

    @property
    def params(self) -> dict[str, list[str]]:
        """The query's parameters: name -> values."""
        try:
            return parse_qs(self.query, keep_blank_values=True, max_num_fields=1000)
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

    @property
    def host(self) -> str:
        """The Host header: the name, with the port if one was sent."""
        return self.headers.get("host", "")

    @property
    def origin(self) -> str | None:
        """The Origin header, None when there is none."""
        return self.headers.get("origin")

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


class Endpoint(metaclass=EndpointMeta):
    """What answers the requests for a path.

    :cvar path: a pattern; `*` stands for any characters, `/` among them
    :cvar methods: what is answered; HEAD comes with GET, OPTIONS by itself
    :cvar cors: origins whose pages may read the answers, as the option allowed_origins has them; None for no page of
        another origin. Where an option decides, override `cors_of`.
    :cvar cors_credentials: whether those pages may send cookies along
    :cvar max_body: bytes of the largest body taken
    :cvar long_poll: methods whose answer waits for something to happen: it is given up as soon as its client closes its
        side of the connection, which others may do who still want their answer
    """

    path: str = ""
    methods: tuple[str, ...] = ("GET",)
    cors: tuple[str, ...] | None = None
    cors_credentials: bool = False
    max_body: int = 64 * 1024
    long_poll: tuple[str, ...] = ()

    @classmethod
    def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
        """Answer a request."""
        raise NotImplementedError

    @classmethod
    def cors_of(cls, pipeline: Any) -> Iterable[str] | None:
        """What `cors` says, in this pipeline."""
        return cls.cors

    @classmethod
    def body_limit(cls, pipeline: Any) -> int:
        """What `max_body` says, in this pipeline."""
        return cls.max_body

    @classmethod
    def render_error(cls, error: HTTPError) -> Response:
        """An error as the protocol of this endpoint has it."""
        return Response(error.status, {"error": error.message}, error.headers)
