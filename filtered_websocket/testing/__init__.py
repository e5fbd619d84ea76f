"""The kit for filter authors: a server and its clients in memory, with no port and no running reactor.

    from filtered_websocket.testing import Server

    def test_chat():
        with Server("chat_server") as server:
            a, b = server.connect(), server.connect("/room")
            a.send("hi")
            assert b.received() == ["hi"]

Rules:

1. The server is the real one: its handshake, pipelines, connections, hub and memory storage. The clients are those of
   the library websockets. Only sockets and time are not real.
2. When a call returns, all that can happen without time passing has happened. Time passes by `Server.advance`; while
   the server is open the reactor that filters import and their ``time.monotonic`` keep its time
   (`testing.process_time`), and what they do in threads is done in the test's.
3. A filter that raised, and whose traceback the test did not ask for in `Server.errors`, fails the test at the end.
4. With ``reactor="asyncio"`` filters may await asyncio's own objects, and time is real (`testing.real_time`).

What stands here is loaded when it is asked for: every run of pytest imports this package, for the plugin in it.

>>> from filtered_websocket.testing import Server
>>> with Server("filtered_websocket.filters.broadcast_messages") as server:
...     a, b = server.connect(), server.connect("/room")
...     a.send("hi")
...     b.received()
['hi']
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filtered_websocket.testing.client import Client as Client
    from filtered_websocket.testing.client import Refused as Refused
    from filtered_websocket.testing.clock import StillWaiting as StillWaiting
    from filtered_websocket.testing.failures import FilterFailed as FilterFailed
    from filtered_websocket.testing.pytest_plugin import StartServer as StartServer
    from filtered_websocket.testing.server import Server as Server
    from filtered_websocket.testing.socketio import Acknowledgement as Acknowledgement
    from filtered_websocket.testing.socketio import ConnectError as ConnectError
    from filtered_websocket.testing.socketio import SocketIOClient as SocketIOClient

_MODULES = {
    "Acknowledgement": "socketio",
    "Client": "client",
    "ConnectError": "socketio",
    "FilterFailed": "failures",
    "Refused": "client",
    "Server": "server",
    "SocketIOClient": "socketio",
    "StartServer": "pytest_plugin",
    "StillWaiting": "clock",
}
__all__ = [
    "Acknowledgement",
    "Client",
    "ConnectError",
    "FilterFailed",
    "Refused",
    "Server",
    "SocketIOClient",
    "StartServer",
    "StillWaiting",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
