"""An endpoint that streams what is published, and its clients."""

import http.client
from typing import Any

from filtered_websocket.web.base import Endpoint, HTTPRequest
from filtered_websocket.web.response import Stream
from tests.support.http_client import connection
from tests.support.raw_client import RawClient
from tests.support.reactor_thread import call, until
from tests.support.serving import Served


class News(Endpoint):
    path = "/stream/*"
    cors = ("*",)

    @classmethod
    def handle(cls, pipeline: Any, request: HTTPRequest) -> Any:
        return Stream(
            pipeline, request.wildcards[0].split(","), begin=b"hello\n", headers=[("Cache-Control", "no-store")]
        )


def publish(served: Served, channel: str, *payloads: str | bytes) -> None:
    async def each() -> None:
        for payload in payloads:
            await served.server.pipelines[0].publish(channel, payload)

    call(each)


def subscribers(served: Served, channel: str) -> int:
    return len(served.server.pipelines[0].hub.subscribers(channel))


def open_stream(served: Served, path: str = "/stream/news", method: str = "GET") -> http.client.HTTPResponse:
    client = connection(served.address)
    client.request(method, path)
    return client.getresponse()


def stalled(served: Served, channel: str = "news", version: str = "1.1") -> RawClient:
    """A stream whose client reads nothing of it, and whose kernel takes nothing more."""
    client = served.client()
    client.send(f"GET /stream/{channel} HTTP/{version}\r\nHost: h\r\n\r\n".encode())
    until(lambda: subscribers(served, channel) == 1)
    (writer,) = call(lambda: list(served.server.pipelines[0].hub.subscribers(channel)))
    until(lambda: writer._sink is not None)
    while not call(lambda: writer._sink.stalled):
        publish(served, channel, b"x" * 60_000)
    return client


def counted(served: Served, what: str, reason: str) -> int:
    return served.server.counters.totals[what, reason]
