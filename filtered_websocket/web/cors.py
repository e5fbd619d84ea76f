"""Cross-origin requests (Fetch standard, "HTTP-CORS protocol"): which pages of other origins may read an answer."""

import re

from filtered_websocket.chain.interfaces import Pipeline, Server
from filtered_websocket.web.base import Endpoint
from filtered_websocket.web.request import HTTPRequest
from filtered_websocket.web.response import Response

MAX_AGE = 600
"""Seconds that a browser may remember the answer to a preflight."""

_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+(, ?[A-Za-z0-9!#$%&'*+.^_`|~-]+)*")


def headers(
    server: Server, endpoint: type[Endpoint], pipeline: Pipeline, request: HTTPRequest
) -> list[tuple[str, str]]:
    """What a response says of the pages that may read it."""
    allowed = endpoint.cors_of(pipeline)
    if allowed is None:
        return []
    allowed = list(allowed)
    if "*" in allowed and not endpoint.cors_credentials:
        return [("Access-Control-Allow-Origin", "*")]
    says = [("Vary", "Origin")]
    if request.origin is not None and server.origin_allowed(request, allowed):
        says.append(("Access-Control-Allow-Origin", request.origin))
        if endpoint.cors_credentials:
            says.append(("Access-Control-Allow-Credentials", "true"))
    return says


def options(group: tuple[type[Endpoint], ...], request: HTTPRequest) -> Response:
    """The answer to OPTIONS, preflights among them, but for what `headers` says."""
    methods = allow(group)
    says = [("Allow", methods)]
    if "access-control-request-method" in request.headers:
        says += [("Access-Control-Allow-Methods", methods), ("Access-Control-Max-Age", str(MAX_AGE))]
        asked = request.headers.get("access-control-request-headers", "")
        if _NAMES.fullmatch(asked):
            says.append(("Access-Control-Allow-Headers", asked))
    return Response(204, headers=says)


def allow(group: tuple[type[Endpoint], ...]) -> str:
    """The methods of a path, as the header Allow has them."""
    methods = list(dict.fromkeys(method for endpoint in group for method in endpoint.methods))
    if "GET" in methods and "HEAD" not in methods:
        methods.insert(methods.index("GET") + 1, "HEAD")
    return ", ".join([*methods, *(() if "OPTIONS" in methods else ("OPTIONS",))])
