"""A request, as it opened a connection and as an endpoint gets it."""

import json

import pytest

from filtered_websocket.web.base import HTTPError, HTTPRequest
from filtered_websocket.web.head import parse
from filtered_websocket.web.request import Request


def request(target="/", *headers):
    lines = [f"GET {target} HTTP/1.1", *(headers if "Host" in str(headers) else ["Host: h", *headers]), "", ""]
    return Request(parse("\r\n".join(lines).encode("latin-1")), "203.0.113.9")


@pytest.mark.parametrize(
    ("target", "path", "params"),
    [
        ("/chat", "/chat", {}),
        ("/chat?room=a&room=b&empty=", "/chat", {"room": ["a", "b"], "empty": [""]}),
        ("/ch%C3%A4t/a%20b?x=%26", "/chät/a b", {"x": ["&"]}),
        ("/a?b?c=d", "/a", {"b?c": ["d"]}),
        ("/?x=1", "/", {"x": ["1"]}),
        ("/%ff", "/\N{REPLACEMENT CHARACTER}", {}),
    ],
)
def test_the_target_gives_path_and_parameters(target, path, params):
    read = request(target)
    assert (read.uri, read.path, read.params) == (target, path, params)


def test_headers_have_lower_case_names_and_those_sent_twice_are_joined():
    read = request("/", "Host:  example.com:9000 ", "X-A: 1", "x-a: 2", "Empty:", "X-B: a:b")
    assert read.headers == {"host": "example.com:9000", "x-a": "1,2", "empty": "", "x-b": "a:b"}
    assert read.host == "example.com:9000"
    assert read.origin is None


def test_headers_are_latin_1():
    assert request("/", "X: \xe4").headers["x"] == "\xe4"


def test_origin_and_protocols_are_read_from_their_headers():
    read = request("/", "Origin: https://example.com", "Sec-WebSocket-Protocol: a, b,,", "Sec-WebSocket-Protocol: c")
    assert read.origin == "https://example.com"
    assert read.protocols == ["a", "b", "c"]
    assert request().protocols == []


def test_what_was_forgotten_can_be_read_again():
    read = request("/", "X: 1")
    parsed = read.headers
    read.forget()
    assert read.headers == parsed
    assert read.headers is not parsed


def test_a_request_shows_itself_without_its_query_and_in_one_line():
    assert repr(request("/a%0ab?token=secret")) == "<Request '/a\\nb' from 203.0.113.9>"


def test_a_request_is_read_from_its_target_and_headers() -> None:
    request = HTTPRequest(
        "GET", "/a%20b/c%2Fd?x=1&x=2&empty=&y=%C3%BC", {"host": "h:1", "cookie": "sid=7; a=b=c", "origin": "http://o"}
    )
    assert (request.path, request.raw_path, request.query) == ("/a b/c/d", "/a%20b/c%2Fd", "x=1&x=2&empty=&y=%C3%BC")
    assert request.params == {"x": ["1", "2"], "empty": [""], "y": ["ü"]}
    assert (request.argument("x"), request.argument("z"), request.argument("z", "d")) == ("1", None, "d")
    assert request.cookies == {"sid": "7", "a": "b=c"}
    assert (request.host, request.origin) == ("h:1", "http://o")


def test_a_request_with_more_parameters_than_anybody_needs_is_400() -> None:
    with pytest.raises(HTTPError) as refused:
        _ = HTTPRequest("GET", "/?" + "a=1&" * 2000).params
    assert refused.value.status == 400


def test_the_query_is_not_shown_where_requests_are_logged() -> None:
    assert "secret" not in repr(HTTPRequest("GET", "/a?token=secret"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"NaN",
        b'{"a":Infinity}',
        b"[" * 100 + b"]" * 100,
        b"[" * 50_000,
        b'{"a":' * 70 + b"1" + b"}" * 70,
    ],
)
def test_a_body_that_is_no_json_or_too_deep_is_400(body: bytes) -> None:
    with pytest.raises(HTTPError) as refused:
        HTTPRequest("POST", "/", body=body).json()
    assert refused.value.status == 400


def test_json_comes_as_what_was_wanted_or_not_at_all() -> None:
    assert HTTPRequest("POST", "/", body=b'{"a":1}').json(dict) == {"a": 1}
    deep = json.dumps([[[1]]] * 3).encode()
    assert HTTPRequest("POST", "/", body=deep).json(list) == [[[1]]] * 3
    with pytest.raises(HTTPError, match="object"):
        HTTPRequest("POST", "/", body=b"[]").json(dict)
