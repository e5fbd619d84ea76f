import json

import pytest

from filtered_websocket.web.base import Endpoint, EndpointMeta, HTTPError, HTTPRequest, Response


def test_an_endpoint_with_a_path_registers_by_being_defined() -> None:
    class Base(Endpoint):
        methods = ("POST",)

    class There(Base):
        path = "/there"

    assert There in EndpointMeta.registered
    assert Base not in EndpointMeta.registered
    EndpointMeta.registered.remove(There)


def test_every_endpoint_of_a_loop_registers() -> None:
    begin = len(EndpointMeta.registered)
    for word in ("one", "two"):

        class Page(Endpoint):
            path = f"/{word}"

    assert [each.path for each in EndpointMeta.registered[begin:]] == ["/one", "/two"]
    del EndpointMeta.registered[begin:]


@pytest.mark.parametrize(
    ("result", "status", "body", "kind"),
    [
        ("grüße", 200, "grüße".encode(), "text/plain; charset=utf-8"),
        (b"\0\xff", 200, b"\0\xff", "application/octet-stream"),
        ({"a": [1, None]}, 200, b'{"a":[1,null]}', "application/json"),
        ([], 200, b"[]", "application/json"),
        (None, 204, b"", "application/octet-stream"),
        (Response(201, "x", (("A", "b"),), "text/html"), 201, b"x", "text/html"),
    ],
)
def test_what_an_endpoint_returns_becomes_a_response(result: object, status: int, body: bytes, kind: str) -> None:
    response = Response.of(result)
    assert (response.status, response.body, response.content_type) == (status, body, kind)


def test_what_is_no_answer_is_refused() -> None:
    with pytest.raises(TypeError, match="not int"):
        Response.of(7)


def test_an_error_without_a_message_says_what_its_status_is_called() -> None:
    assert HTTPError(404).message == "Not Found"
    assert HTTPError(420).message == "error 420"


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
