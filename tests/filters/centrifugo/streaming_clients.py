"""Clients on streams of a real server, and what they post."""

import http.client
import json
from typing import Any
from urllib.parse import quote

from tests.support.fws_server import FwsServer
from tests.support.http_client import Answer, ask, connection

JSON = "application/json"
PROTOBUF = "application/octet-stream"


class Streaming:
    """A stream, and the commands of its client.

    :param kind: http_stream or sse
    """

    def __init__(self, server: FwsServer, kind: str = "http_stream", *commands: Any, method: str = "POST") -> None:
        self.server, self.address = server, ("127.0.0.1", server.port)
        self.is_sse = kind.endswith("sse")
        self._client = connection(self.address)
        body = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in commands)
        path = f"/connection/{kind}"
        if method == "GET":
            self._client.request("GET", f"{path}?cf_connect={quote(body)}")
        else:
            self._client.request("POST", path, body, {"Content-Type": JSON})
        self.response: http.client.HTTPResponse = self._client.getresponse()
        if self.is_sse and self.response.status == 200:
            assert self.response.readline() == b"\r\n"
        self.greeting: Any = None

    @classmethod
    def connected(cls, server: FwsServer, kind: str = "http_stream", **connect: Any) -> "Streaming":
        client = cls(server, kind, {"id": 1, "connect": connect})
        client.greeting = client.next()["connect"]
        return client

    def next(self) -> Any:
        """The next message; None at the end of the stream."""
        line = self.response.readline()
        if not line:
            return None
        if self.is_sse:
            assert line.startswith(b"data: ")
            assert self.response.readline() == b"\n"
            line = line.removeprefix(b"data: ")
        return json.loads(line)

    def say(self, *commands: Any, server: FwsServer | None = None, **instead: Any) -> Answer:
        data = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in commands)
        said = {"session": self.greeting["session"], "node": self.greeting["node"], "data": data} | instead
        return ask(("127.0.0.1", (server or self.server).port), "POST", "/emulation", said, {"Content-Type": JSON})

    def close(self) -> None:
        self.response.close()
        self._client.close()


def api(server: FwsServer, method: str, key: str, **request: Any) -> Any:
    answer = ask(("127.0.0.1", server.port), "POST", f"/api/{method}", request, {"X-API-Key": key})
    return json.loads(answer.body)["result"]
