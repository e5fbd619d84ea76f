"""What an endpoint returns becomes a response."""

import pytest

from filtered_websocket.web.base import HTTPError, Response


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
