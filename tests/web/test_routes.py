"""Which endpoint answers a request."""

from typing import Any

from filtered_websocket.pipeline.modules import load
from filtered_websocket.web.base import Endpoint, HTTPRequest
from tests.support.endpoints import endpoint
from tests.support.http_client import ask
from tests.support.serving import module_of, serving


def test_head_is_answered_as_get_without_the_body() -> None:
    with serving(endpoint("/text", "hello")) as served, served.client() as client:
        client.send(b"HEAD /text HTTP/1.1\r\nHost: h\r\n\r\nGET /text HTTP/1.1\r\nHost: h\r\n\r\n")
        while client._data.count(b"\r\n\r\n") < 2 or not client._data.endswith(b"hello"):
            assert client._more()
        first, second, body = client._data.split(b"\r\n\r\n")
        assert b"Content-Length: 5" in first
        assert (second.startswith(b"HTTP/1.1 200"), body) == (True, b"hello")


def test_a_method_that_is_not_served_is_405_and_says_which_are() -> None:
    with serving(endpoint("/x", "get"), endpoint("/x", "post", ("POST", "PUT"))) as served:
        assert ask(served.address, "GET", "/x").body == b"get"
        assert ask(served.address, "PUT", "/x").body == b"post"
        refused = ask(served.address, "DELETE", "/x")
        assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, POST, PUT, OPTIONS")
        assert "DELETE" in refused.json["error"]
        asked = ask(served.address, "OPTIONS", "/x")
        assert (asked.status, asked.headers["allow"]) == (204, "GET, HEAD, POST, PUT, OPTIONS")


def test_the_most_specific_path_answers_and_a_packs_wins_over_the_servers() -> None:
    given = [endpoint("*", "rest"), endpoint("/health/live", "mine"), endpoint("/a/*", "a"), endpoint("/a/b", "b")]
    with serving(*given) as served:
        at = served.address
        assert ask(at, "GET", "/health/live").body == b"mine"
        assert ask(at, "GET", "/health/ready").json == {"status": "ok"}
        assert [ask(at, "GET", path).body for path in ("/a/b", "/a/c", "/c")] == [b"b", b"a", b"rest"]


def test_a_websocket_path_asked_plainly_is_426_and_another_method_404() -> None:
    with serving() as served:
        plain = ask(served.address, "GET", "/chat")
        assert (plain.status, plain.headers["upgrade"]) == (426, "websocket")
        assert "WebSocket" in plain.json["error"]
        assert ask(served.address, "POST", "/chat", "x").status == 404


def test_endpoints_answer_only_in_the_pipelines_that_bring_them() -> None:
    class Mine(Endpoint):
        path = "*"

        @classmethod
        def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
            return pipeline.name

    load("filtered_websocket.filters.stdout")
    module = module_of(Mine)
    pipelines = f'{{"/mine/*": ["{module}"], "/other": ["filtered_websocket.filters.stdout"]}}'
    with serving(pipelines=pipelines) as served:
        assert ask(served.address, "GET", "/mine/a").body == b"/mine/*"
        assert ask(served.address, "GET", "/other").status == 426
        assert ask(served.address, "GET", "/health/live").status == 200
