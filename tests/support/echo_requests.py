"""An endpoint that answers with what it was sent, and requests for it."""

from typing import Any

from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.web.base import Endpoint, HTTPRequest
from tests.support.reactor_thread import until
from tests.support.serving import Served


class Echo(Endpoint):
    path = "/echo"
    methods = ("GET", "POST")
    max_body = 1000

    @classmethod
    def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
        return f"{request.method} {request.query} ".encode() + request.body


def get(query: str = "", headers: str = "") -> bytes:
    return f"GET /echo?{query} HTTP/1.1\r\nHost: h\r\n{headers}\r\n".encode()


def post(body: bytes, headers: str = "") -> bytes:
    return f"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def until_gone(served: Served) -> None:
    until(lambda: served.server.countConnections == 0 and not served.server.site.connections)


class Answer(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connected: Any, data: bytearray) -> None:
        connected.sendMessage(data)


class Large(Endpoint):
    path = "/large"
    body = bytes(8_000_000)

    @classmethod
    def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
        return cls.body
