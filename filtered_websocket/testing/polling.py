"""A session of Engine.IO 4 in memory whose client polls: a GET waits for packets, a POST brings what it sends."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence

from websockets.http11 import Response

from filtered_websocket.testing.client import Refused, Server
from filtered_websocket.testing.engineio import CLOSE, MESSAGE, OPEN, PING, PONG, Application, Frame, address
from filtered_websocket.testing.http_request import HttpRequest

_SEPARATOR = "\x1e"
_BYTES = "b"


class PollingSession:
    """
    :param path: with the query
    """

    def __init__(self, server: Server, path: str, headers: Mapping[str, str], application: Application) -> None:
        self._server, self._path, self._headers = server, path, headers
        self._application = application
        self.answers_pings = True
        self._query = {"transport": "polling"}
        self._requests: set[HttpRequest] = set()
        self._refusal: Response | None = None
        self._ended = False
        self._get()

    @property
    def is_open(self) -> bool:
        """Whether the session has begun, and lasts."""
        self._server.settle()
        return "sid" in self._query and not self._ended

    def raise_refusal(self) -> None:
        self._server.settle()
        if self._refusal is not None:
            raise Refused(self._refusal)

    @property
    def close_code(self) -> None:
        """None: that is of WebSockets."""

    def post(self, frames: Sequence[Frame]) -> None:
        self._post([MESSAGE + each if isinstance(each, str) else each for each in frames])

    def close(self) -> None:
        self._post([CLOSE])
        self._server.settle()

    def abort(self) -> None:
        for each in self._requests:
            each.abort()
        self._server.settle()

    def _post(self, packets: Sequence[Frame]) -> None:
        body = _SEPARATOR.join(each if isinstance(each, str) else _BYTES + _base64(each) for each in packets)
        self._ask("POST", body.encode(), lambda _: None)

    def _get(self) -> None:
        self._ask("GET", b"", self._take)

    def _ask(self, method: str, body: bytes, take: Callable[[Response], None]) -> None:
        def done(request: HttpRequest) -> None:
            self._requests.discard(request)
            if self._ended:
                return
            response = request.response
            if response is not None and response.status_code == 200:
                take(response)
                return
            self._refusal = response if "sid" not in self._query else None
            self._end()

        uri = address(self._path, **self._query)
        self._requests.add(HttpRequest(self._server, method, uri, headers=self._headers, body=body, done=done))

    def _take(self, response: Response) -> None:
        for packet in (response.body or b"").decode().split(_SEPARATOR):
            if packet.startswith(OPEN):
                self._query["sid"] = json.loads(packet[1:])["sid"]
                self._application.opened()
            elif packet.startswith(_BYTES):
                self._application.received(base64.b64decode(packet[1:]))
            elif packet.startswith(MESSAGE):
                self._application.received(packet[1:])
            elif packet.startswith(PING) and self.answers_pings:
                self._post([PONG + packet[1:]])
            elif packet.startswith(CLOSE):
                self._end()
        if not self._ended:
            self._get()

    def _end(self) -> None:
        self._ended = True
        self._application.ended()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
