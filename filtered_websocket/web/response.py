"""What an endpoint answers: a complete response, a stream, an error; and the bytes of it."""

import json
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any

from twisted.web.http import datetimeToString

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.messages.message import Message

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


def lines(messages: Sequence[Message]) -> bytes:
    """Messages as lines."""
    return b"".join([payload + b"\n" for payload, _ in messages])


def _nothing(*_: object) -> None:
    """Nobody is told."""


class Stream:
    """An answer that goes on: what is published to channels, for as long as the client stays.

    The client is in the channels before it gets the head of the response. A client that reads too slowly loses what a
    WebSocket would lose (`limits.backlog`). The stream ends with the server, and then it is complete.

    :param pipeline: the pipeline that has the channels
    :param channels: their names; that the client may see them is for the endpoint to find out
    :param encode: makes bytes of messages that come together; for all streams that have the same function it is called
        once
    :param begin: what comes before anything that is published
    :param opened: called with what writes the stream when its head has been sent: it takes what is sent to this client
        alone (`stream_writer`)
    :param ended: called once when it has ended, for whatever reason
    :param farewell: what is written last when the server ends
    """

    __slots__ = (
        "begin", "channels", "content_type", "encode", "ended", "farewell", "headers", "opened", "pipeline",
    )  # fmt: skip

    status = 200

    def __init__(
        self,
        pipeline: Pipeline,
        channels: Iterable[str],
        *,
        encode: Callable[[Sequence[Message]], bytes] = lines,
        begin: bytes = b"",
        headers: Headers = (),
        content_type: str = "application/octet-stream",
        opened: Callable[[Any], object] = _nothing,
        ended: Callable[[], object] = _nothing,
        farewell: bytes = b"",
    ) -> None:
        self.pipeline, self.channels, self.encode, self.begin = pipeline, tuple(channels), encode, begin
        self.opened, self.ended, self.farewell = opened, ended, farewell
        self.headers, self.content_type = tuple(headers), content_type


_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}


def encode(response: Response, with_body: bool, is_last: bool) -> tuple[bytes, bytes]:
    """Head and body of a response.

    :param with_body: false for the answer to HEAD
    :param is_last: whether the connection is closed behind it
    """
    if response.status in {204, 304}:
        return _head(response, None, is_last), b""
    head = _head(response, b"Content-Length: %d" % len(response.body), is_last)
    return head, response.body if with_body else b""


def encode_head(stream: Stream, chunked: bool) -> bytes:
    """The head of a stream, which is the last answer on its connection.

    :param chunked: whether the body comes in chunks (RFC 9112, 7.1); else the end of the connection is its end
    """
    return _head(stream, b"Transfer-Encoding: chunked" if chunked else b"", True)


def _head(response: Response | Stream, framing: bytes | None, is_last: bool) -> bytes:
    """
    :param framing: the header that says how long the body is; None: there is no body
    """
    status = response.status
    head = [b"HTTP/1.1 %d %s" % (status, _REASONS.get(status, b"Status")), b"Date: " + datetimeToString()]
    if framing:
        head.append(framing)
    if framing is not None and response.content_type:
        head.append(b"Content-Type: " + _header(response.content_type))
    head += [_header(name) + b": " + _header(value) for name, value in response.headers]
    if is_last:
        head.append(b"Connection: close")
    return b"\r\n".join([*head, b"", b""])


def _header(text: str) -> bytes:
    """A name or value as it may stand in a head: nothing ends the line."""
    return text.replace("\r", " ").replace("\n", " ").encode("latin-1", "replace")
