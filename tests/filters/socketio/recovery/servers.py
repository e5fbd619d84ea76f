"""Nodes with WS-Emit and recovery, on one storage object in memory."""

import json
from contextlib import ExitStack
from typing import Any

from filtered_websocket.filters.socketio.recovery.recovery import Recovery
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK
from tests.support.shared_memory import SharedMemory


class Nodes:
    """
    :ivar storage: what they share
    """

    def __init__(self, stack: ExitStack, storage: SharedMemory | None = None) -> None:
        self._stack = stack
        self.storage = storage or SharedMemory()
        self.servers: list[Server] = []

    def begin(self, **options: Any) -> Server:
        """One more node."""
        given = {"ws_emit_recovery": 120, "ws_emit_secret": "123", **options}
        server = self._stack.enter_context(Server(PACK, storage_object=self.storage, **given))
        self.servers.append(server)
        return server

    def settle(self, seconds: float = 0) -> None:
        for _ in range(4):
            for server in self.servers:
                server.settle()
        if seconds:
            for server in self.servers:
                server.advance(seconds)
            self.settle()

    def say(self, **message: Any) -> None:
        """What another program says on the bus."""
        self.storage.publish("flask-socketio", json.dumps({"namespace": "/", **message}))
        self.settle()


def recovery_of(server: Server) -> Recovery:
    found: Recovery = server.pipeline().ws_emit.recovery  # type: ignore[attr-defined]
    return found


def logged(server: Server) -> list[Any]:
    """The items of the log as this node has them, the oldest first."""
    return [entry.item for entry in recovery_of(server).window._entries]
