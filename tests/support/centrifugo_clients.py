"""Centrifugo's own clients, unmodified: npm's centrifuge, PyPI's centrifuge-python and cent."""

import sys
from typing import Any

from filtered_websocket.filters.shared.tokens import issue
from tests.support.fws_server import FwsServer
from tests.support.lines import TESTS, Lines, PythonApi, folder
from tests.support.unreliable_proxy import UnreliableProxy

SECRET, KEY = "a secret of thirty-two bytes or so", "the key of the API"
KINDS = ("js websocket json", "js websocket protobuf", "js http_stream json", "js http_stream protobuf", "js sse json",
         "python json", "python protobuf")  # fmt: skip

MAY = {f"allow_{what}_for_client": True for what in ("subscribe", "publish", "presence", "history")}
NAMESPACES = [
    {"name": "open", **MAY, "presence": True, "join_leave": True, "force_push_join_leave": True},
    {"name": "kept", **MAY, "history_size": 100, "history_ttl": "300s", "force_recovery": True,
     "allowed_delta_types": ["fossil"]},
    {"name": "room", **MAY, "history_size": 100, "history_ttl": "300s", "force_recovery": True, "presence": True,
     "join_leave": True, "force_push_join_leave": True, "allowed_delta_types": ["fossil"]},
    {"name": "newest", **MAY, "history_size": 5, "history_ttl": "300s", "force_recovery": True,
     "force_recovery_mode": "cache"},
]  # fmt: skip
OPTIONS = {
    "filters": ["filtered_websocket.filters.centrifugo"],
    "centrifugo_token_hmac_secret": SECRET,
    "centrifugo_api_key": KEY,
    "centrifugo_namespaces": NAMESPACES,
}


class Client(Lines):
    """An SDK that speaks to a server, as one of `KINDS`."""

    def __init__(self, server: FwsServer | UnreliableProxy, kind: str, user: str, **claims: Any) -> None:
        language, *how = kind.split()
        address, token = f"127.0.0.1:{server.port}", issue({"sub": user, **claims}, SECRET)
        if language == "js":
            assert (TESTS / "node" / "node_modules" / "centrifuge").is_dir(), "not installed: make test-tools"
            super().__init__("node", str(TESTS / "node" / "centrifugo.js"), address, *how, token)
        else:
            script = str(TESTS / "python" / "centrifugo_client.py")
            command = (sys.executable, "-W", "ignore", script, address, *how, token)
            super().__init__(*command, PYTHONPATH=folder("centrifugo"))
        self.do("connect")
        self.wait("connected")

    def subscribe(self, channel: str, **options: Any) -> dict[str, Any]:
        self.do("subscribe", channel, options)
        return self.wait("subscribed", channel=channel)

    def data(self, channel: str, count: int = 1) -> list[Any]:
        """The data of the next publications."""
        return [self.wait("publication", channel=channel)["data"] for _ in range(count)]

    def call(self, name: str, *arguments: Any) -> Any:
        """The result of a call, or the code of its error."""
        self.say("call", name, *arguments)
        answer = self.wait("answer")
        return answer["error"] if "error" in answer else answer.get("result")


class Api(PythonApi):
    """The server API, as a backend calls it with `cent`."""

    def __init__(self, server: FwsServer) -> None:
        super().__init__("centrifugo", "centrifugo_api", "Api", url=f"http://127.0.0.1:{server.port}/api", key=KEY)

    def ask(self, method: str, **request: Any) -> Any:
        return self.call("ask", method, **request)

    def publish(self, channel: str, data: Any) -> Any:
        return self.ask("publish", channel=channel, data=data)
