"""A response as bytes."""

from http import HTTPStatus

from twisted.web.http import datetimeToString

from filtered_websocket.web.base import Response

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
