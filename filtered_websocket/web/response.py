"""A response as bytes."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from twisted.web.http import datetimeToString

Headers = Iterable[tuple[str, str]]


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


_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


def encode(response: Response, with_body: bool, is_last: bool) -> tuple[bytes, bytes]:
    """Head and body of a response.

    :param with_body: false for the answer to HEAD
    :param is_last: whether the connection is closed behind it
    """
    status = response.status
    lines = [b"HTTP/1.1 %d %s" % (status, _REASONS.get(status, b"Status")), b"Date: " + datetimeToString()]
    bodiless = status in {204, 304}
    if not bodiless:
        lines.append(b"Content-Length: %d" % len(response.body))
        if response.content_type:
            lines.append(b"Content-Type: " + _header(response.content_type))
    lines += [_header(name) + b": " + _header(value) for name, value in response.headers]
    if is_last:
        lines.append(b"Connection: close")
    head = b"\r\n".join([*lines, b"", b""])
    return head, response.body if with_body and not bodiless else b""


def _header(text: str) -> bytes:
    """A name or value as it may stand in a head: nothing ends the line."""
    return text.replace("\r", " ").replace("\n", " ").encode("latin-1", "replace")
