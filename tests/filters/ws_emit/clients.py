"""Clients of a server in memory: one that polls, and a shape for those on a WebSocket."""

import json
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.testing.client import Client
from filtered_websocket.testing.server import Server
from filtered_websocket.web.base import HTTPRequest, Response

PACK = "filtered_websocket.filters.ws_emit"
POLLING = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"
GOOD = "http://localhost:7788"
"""The origin whose pages may connect."""


class Exchange:
    """A request that may not be answered yet."""

    def __init__(
        self, server: Server, method: str, uri: str, body: bytes | str, headers: Mapping[str, str], peer: str
    ) -> None:
        self._server = server
        self._response: Response | None = None
        site, content = server.server.site, body.encode() if isinstance(body, str) else body
        request = HTTPRequest(method, uri, headers, content, peer=peer, server=site.server)
        route = site.routes.find(request)
        answer = site.refusal(route, request, route.error) if route.error else site.answer(route, request)
        self._answer = answer
        if isinstance(answer, Deferred):
            answer.addCallback(self._answered)
        else:
            self._answered(answer)

    def _answered(self, response: Response) -> None:
        self._response = response

    @property
    def waits(self) -> bool:
        self._server.settle()
        return self._response is None

    @property
    def response(self) -> Response:
        self._server.settle()
        assert self._response is not None, "not answered"
        return self._response

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def text(self) -> str:
        return self.response.body.decode()

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.response.headers)

    def go_away(self) -> None:
        """As a client whose connection is lost."""
        self._answer.cancel()
        self._server.settle()


def ask(
    server: Server,
    method: str,
    uri: str,
    body: bytes | str = b"",
    headers: Mapping[str, str] | None = None,
    peer: str = "127.0.0.1",
) -> Exchange:
    return Exchange(server, method, uri, body, headers or {}, peer)


def emit(server: Server, **body: Any) -> Exchange:
    """POST /emit."""
    return ask(server, "POST", "/emit", json.dumps(body), {"content-type": "application/json"})


class Poller:
    """A polling session.

    :ivar handshake: what the open packet says
    """

    def __init__(self, server: Server, connect: bool = True, uri: str = POLLING) -> None:
        self._server = server
        first = ask(server, "GET", uri)
        assert first.status == 200, first.text
        self.greeting = first.text
        packet = self.greeting.split("\x1e")[0]
        if "EIO=3" in uri:
            packet = packet.partition(":")[2]
        self.handshake = json.JSONDecoder().raw_decode(packet[1:])[0]
        self.uri = f"{uri}&sid={self.handshake['sid']}"
        if connect:
            self.post("40")
            answer = self.received()
            assert answer[0].startswith('40{"sid":'), answer
            self.id: str = json.loads(answer[0][2:])["sid"]

    @property
    def sid(self) -> str:
        return str(self.handshake["sid"])

    def get(self) -> Exchange:
        return ask(self._server, "GET", self.uri)

    def post(self, *packets: str) -> Exchange:
        return ask(self._server, "POST", self.uri, "\x1e".join(packets))

    def received(self) -> list[str]:
        """The packets of the next GET, which must have some."""
        return self.get().text.split("\x1e")

    def websocket(self) -> Client:
        """A WebSocket that is to take over."""
        return self._server.connect(self.uri.replace("polling", "websocket"))


def socket(server: Server, connect: bool = True, uri: str = WEBSOCKET) -> Client:
    """A session on a WebSocket, past its greeting."""
    client = server.connect(uri)
    (greeting,) = client.received()
    assert isinstance(greeting, str)
    assert greeting.startswith("0{")
    if connect:
        client.send("40")
        (answer,) = client.received()
        assert isinstance(answer, str)
        client.sid = json.loads(answer[2:])["sid"]  # type: ignore[attr-defined]
    return client
