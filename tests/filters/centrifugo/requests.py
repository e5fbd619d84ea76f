"""Requests to the server API, in memory."""

import json
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.testing.server import Server
from filtered_websocket.web.request import HTTPRequest
from tests.filters.centrifugo.clients import serving

KEY = "the key of the API"


def with_api(*filters: Any, **options: Any) -> Server:
    return serving(*filters, **({"centrifugo_api_key": KEY} | options))


def ask(server: Server, path: str, body: Any = b"", method: str = "POST", **headers: str) -> tuple[int, Any]:
    """Status and body of an answer, JSON where it is JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"x-api-key": KEY} | {name.replace("_", "-"): value for name, value in headers.items()}
    request = HTTPRequest(method, path, given, data, peer="127.0.0.1", server=server.server)
    site = server.server.site
    response = site.answer(site.routes.find(request), request)
    if isinstance(response, Deferred):
        response = server.result(response)
    kind = response.content_type or ""
    return response.status, json.loads(response.body) if "json" in kind and response.body else response.body


def call(server: Server, name: str, **request: Any) -> Any:
    """The result of a method, or the code of its error."""
    status, answer = ask(server, f"/api/{name}", request)
    assert status == 200, answer
    return answer["error"]["code"] if "error" in answer else answer.get("result", answer)
