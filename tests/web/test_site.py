"""Which endpoint answers, and how what goes wrong is answered: over real sockets, by the server's own code."""

import time
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from filtered_websocket.errors import Reject
from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.storage_objects.base import StorageAway
from filtered_websocket.web.base import HTTPError, HTTPRequest, Response
from tests.support.endpoints import endpoint
from tests.support.http_client import ask
from tests.support.reactor_thread import call, until
from tests.support.serving import serving


def test_an_endpoint_answers_with_what_it_returns() -> None:
    async def coroutine(pipeline: Any, request: HTTPRequest) -> Any:
        return {"body": (await succeed(request.body)).decode()}

    given = [
        endpoint("/text", "hello"),
        endpoint("/json", {"a": 1}),
        endpoint("/none", lambda pipeline, request: None),
        endpoint("/deferred", lambda pipeline, request: succeed("later")),
        endpoint("/coroutine", coroutine, ("POST",)),
        endpoint("/own", Response(418, "x", (("A", "1"), ("A", "2"), ("B", "c\r\nd: e")), "text/html")),
        endpoint("/apps/*/channels/*", lambda pipeline, request: list(request.wildcards)),
    ]
    with serving(*given) as served:
        at = served.address
        text = ask(at, "GET", "/text")
        assert (text.status, text.body, text.headers["content-type"]) == (200, b"hello", "text/plain; charset=utf-8")
        assert "date" in text.headers
        assert ask(at, "GET", "/json?x=1").json == {"a": 1}
        none = ask(at, "GET", "/none")
        assert (none.status, none.body) == (204, b"")
        assert "content-length" not in none.headers
        assert ask(at, "GET", "/deferred").body == b"later"
        assert ask(at, "POST", "/coroutine", "x").json == {"body": "x"}
        own = ask(at, "GET", "/own")
        assert (own.status, own.headers["b"]) == (418, "c  d: e")
        assert "d" not in own.headers
        assert ask(at, "GET", "/apps/7/channels/a%2Fb").json == ["7", "a/b"]


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (HTTPError(402, "pay", (("X", "y"),)), 402, "pay"),
        (Reject(403, "no"), 403, "no"),
        (StorageAway("down"), 503, "the storage is away: try again"),
        (ZeroDivisionError("secret detail"), 500, "Internal Server Error"),
        (KeyboardInterrupt(), 500, "Internal Server Error"),
    ],
)
def test_what_goes_wrong_is_a_json_error_that_tells_nothing_of_the_inside(
    error: BaseException, status: int, message: str
) -> None:
    def later(pipeline: Any, request: HTTPRequest) -> Any:
        waiting: Deferred[Any] = Deferred()
        pipeline.server.reactor.callLater(0, waiting.errback, error)
        return waiting

    with serving(endpoint("/now", error), endpoint("/later", later)) as served:
        for path in ("/now", "/later"):
            answer = ask(served.address, "GET", path)
            assert (answer.status, answer.json) == (status, {"error": message})
        assert served.counted("failed", "endpoint") == (2 if status == 500 else 0)
    if status == 402:
        assert answer.headers["x"] == "y"


def test_an_endpoint_may_render_errors_as_its_protocol_has_them() -> None:
    def render(error: HTTPError) -> Response:
        return Response(error.status, {"result": "error", "message": error.message}, error.headers)

    given = [
        endpoint("/x", HTTPError(401, "what?"), ("POST",), render_error=render, max_body=3),
        endpoint("/broken", HTTPError(401), render_error=lambda error: 1 / 0),
    ]
    with serving(*given) as served:
        assert ask(served.address, "POST", "/x").json == {"result": "error", "message": "what?"}
        assert ask(served.address, "GET", "/x").json["result"] == "error"
        too_large = ask(served.address, "POST", "/x", "1234")
        assert (too_large.status, too_large.json["result"]) == (413, "error")
        assert ask(served.address, "GET", "/broken").status == 500


@pytest.mark.quiet
def test_a_request_that_never_ends_holds_the_servers_end_for_stop_seconds() -> None:
    ends: list[Any] = []
    given = endpoint("/change", lambda pipeline, request: Deferred(ends.append), ("POST",))
    with serving(given, stop_seconds=2.5) as served, served.client() as client:
        client.send(b"POST /change HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
        until(lambda: any(each.at_work for each in served.server.site.connections))
        begin = time.monotonic()
        call(served.server.stop)
        assert 2 < time.monotonic() - begin < 4.5
        # An aborted transport takes a turn of the reactor to end.
        until(lambda: len(ends) == 1)
        assert served.counted("dropped", "filters took longer than the stop") == 1


def test_behind_a_trusted_proxy_the_peer_is_the_client() -> None:
    def client(pipeline: Any, request: HTTPRequest) -> Any:
        return [request.peer, request.secure, request.direct]

    forwarded = {"X-Forwarded-For": "6.6.6.6, 1.2.3.4", "X-Forwarded-Proto": "https"}
    with serving(endpoint("/client", client)) as served:
        assert ask(served.address, "GET", "/client", headers=forwarded).json == ["127.0.0.1", False, False]
        assert ask(served.address, "GET", "/client").json == ["127.0.0.1", False, True]
    with serving(endpoint("/client", client), trusted_proxies=1) as served:
        assert ask(served.address, "GET", "/client", headers=forwarded).json == ["1.2.3.4", True, False]


def test_websockets_and_http_share_the_port() -> None:
    class Echo(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection: Any, data: bytearray) -> None:
            connection.sendMessage(data)

    with serving(Echo, endpoint("/text", "hello")) as served:
        with served.open("/text") as socket:
            assert ask(served.address, "GET", "/text").body == b"hello"
            socket.send("still a WebSocket")
            frame = socket.receive()
            assert frame is not None
            assert frame.payload == b"still a WebSocket"
        served.until_empty()
