"""Clients of the pack alone, of a server in memory."""

from typing import Any

from filtered_websocket.testing.client import Client
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import Poller

PACK = "filtered_websocket.filters.engineio"
POLLING = "/engine.io/?EIO=4&transport=polling"
WEBSOCKET = "/engine.io/?EIO=4&transport=websocket"
KINDS = ("polling", "websocket", "upgraded")


class Session:
    """One client: its messages as its transport has them, ``4text``, and bytes."""

    def __init__(self, server: Server, kind: str = "polling", query: str = "") -> None:
        self._server = server
        self.poller: Poller | None = None
        self.websocket: Client | None = None
        if kind == "websocket":
            self.websocket = server.connect(WEBSOCKET + query)
            self._early = self.websocket.received()[1:]
        else:
            self.poller = Poller(server, connect=False, uri=POLLING + query)
            self._early = list(self.poller.greeting.split("\x1e")[1:])
        if kind == "upgraded":
            self.upgrade()

    def upgrade(self) -> None:
        assert self.poller is not None
        websocket = self.poller.websocket()
        websocket.send("2probe")
        websocket.send("5")
        assert websocket.received() == ["3probe"]
        self.websocket = websocket

    def send(self, *messages: Any) -> None:
        for message in messages:
            if self.websocket is not None:
                self.websocket.send(message if isinstance(message, bytes) else f"4{message}")
            else:
                assert self.poller is not None
                self.poller.post("bAQI=" if message == b"\1\2" else f"4{message}")

    def received(self) -> list[str | bytes]:
        early, self._early = self._early, []
        return early + self._received()

    def _received(self) -> list[str | bytes]:
        if self.websocket is not None:
            return self.websocket.received()
        assert self.poller is not None
        self._server.settle()
        if not self._server.pipeline().engineio.engine.polling[self.poller.sid].waits:  # type: ignore[attr-defined]
            return []
        get = self.poller.get()
        return [b"\1\2" if each == "bAQI=" else each for each in get.text.split("\x1e")]

    def leave(self) -> None:
        if self.websocket is not None:
            self.websocket.close()
        else:
            assert self.poller is not None
            self.poller.post("1")
