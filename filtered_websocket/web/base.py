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
   long poll is a Deferred that is not fired yet: when the client goes away, it is cancelled. A `Stream` goes on with
   what is published to channels.
5. What goes wrong is ``raise HTTPError``; any other exception is logged and answered with 500 and no detail.
"""

from collections.abc import Iterable
from typing import Any

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.registry import Registry
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import HTTPError, Response

__all__ = ["Endpoint", "EndpointMeta", "HTTPError", "HTTPRequest", "Response"]


class EndpointMeta(type):
    """The metaclass of endpoints: a class with a path registers itself when it is defined."""

    registered: "Registry[EndpointMeta]"
    path: str

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
        super().__init__(name, bases, namespace)
        if getattr(cls, "path", ""):
            EndpointMeta.registered.join(cls, namespace)


EndpointMeta.registered = Registry(EndpointMeta)


class Endpoint(metaclass=EndpointMeta):
    """What answers the requests for a path.

    :cvar path: a pattern; `*` stands for any characters, `/` among them
    :cvar methods: what is answered; HEAD comes with GET, OPTIONS by itself
    :cvar cors: origins whose pages may read the answers, as the option allowed_origins has them; None for no page of
        another origin. Where an option decides, override `cors_of`.
    :cvar cors_credentials: whether those pages may send cookies along
    :cvar max_body: bytes of the largest body taken
    :cvar long_poll: methods whose answer waits for something to happen: it is given up as soon as its client closes its
        side of the connection. Clients of other methods may do so and still want their answer
    """

    path: str = ""
    methods: tuple[str, ...] = ("GET",)
    cors: tuple[str, ...] | None = None
    cors_credentials: bool = False
    max_body: int = 64 * 1024
    long_poll: tuple[str, ...] = ()

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Any:
        """Answer a request."""
        raise NotImplementedError

    @classmethod
    def cors_of(cls, pipeline: Pipeline) -> Iterable[str] | None:
        """What `cors` says, in this pipeline."""
        return cls.cors

    @classmethod
    def body_limit(cls, pipeline: Pipeline) -> int:
        """What `max_body` says, in this pipeline."""
        return cls.max_body

    @classmethod
    def render_error(cls, error: HTTPError) -> Response:
        """An error as the protocol of this endpoint has it."""
        return Response(error.status, {"error": error.message}, error.headers)
