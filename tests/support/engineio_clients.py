"""Clients of Engine.IO as npm has them, each a process of its own."""

import json
from typing import Any

from tests.support.lines import TESTS, Lines

MODULES = {4: "engine.io-client", 3: "socket.io-client-2/node_modules/engine.io-client/lib/index.js"}
"""By the version of the protocol: engine.io-client 6, and the 3 that socket.io-client 2 brings."""
TRANSPORTS = {"default": ["polling", "websocket"], "polling": ["polling"], "websocket": ["websocket"]}


class Client(Lines):
    """
    :param transports: a key of `TRANSPORTS`
    """

    def __init__(self, protocol: int, url: str, transports: str = "default") -> None:
        assert (TESTS / "node" / "node_modules" / MODULES[protocol].partition("/")[0]).is_dir(), "make test-tools"
        options = json.dumps({"transports": TRANSPORTS[transports]})
        super().__init__("node", str(TESTS / "node" / "engineio.js"), MODULES[protocol], url, options)

    def wait_until_ready(self, transports: str) -> None:
        """It is open, and has upgraded if it does."""
        self.wait("open")
        if transports == "default":
            self.wait("upgrade")

    def messages(self, count: int) -> list[Any]:
        """The next messages: texts, and bytes as lists of numbers."""
        return [self.wait("message")["data"] for _ in range(count)]
