"""The server without its fast paths: Autobahn reads every frame and makes every frame.

``python -m tests.conformance.autobahn_alone`` is `fws_server` so. The fuzz compares the two.
"""

from typing import Any

from autobahn.websocket.compress import PerMessageDeflate
from autobahn.websocket.protocol import WebSocketProtocol

from filtered_websocket.commands.fws_server.__main__ import main
from filtered_websocket.connection.autobahn import OPEN, LeanProtocol
from filtered_websocket.connection.connection import Connection
from filtered_websocket.connection.decision import PLAIN
from filtered_websocket.messages.message import message
from filtered_websocket.server import server
from filtered_websocket.web.upgrade import Upgrade


class AutobahnAlone(Connection):
    """A connection in which `frames.py` and `partial_frame.py` have no part, and no 101 is ours."""

    def open_plainly(self, asked: Upgrade) -> None:
        self._wskey, self.websocket_protocols = asked
        LeanProtocol.succeedHandshake(self, PLAIN)

    def feed(self, data: bytes) -> None:
        if self.http is not None:
            self.http.dataReceived(data)
        else:
            self.parse(data)

    def sendMessage(self, payload: Any, isBinary: bool | None = None, *_: Any) -> None:
        if self.state == OPEN:
            agreed = self._perMessageCompress
            if agreed is not None:
                autobahns = PerMessageDeflate(True, True, True, agreed.server_max_window_bits, 15, 8)
                self._perMessageCompress = autobahns
            WebSocketProtocol.sendMessage(self, *message(payload, isBinary))
            self._perMessageCompress = agreed
        else:
            super().sendMessage(payload, isBinary)  # which counts what it drops


if __name__ == "__main__":
    server.Connection = AutobahnAlone  # type: ignore[misc]
    main()
