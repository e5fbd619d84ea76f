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
   the server is open the reactor that filters import keeps its time, and what they do in threads is done in the test's.
3. A filter that raised, and whose traceback the test did not ask for in `Server.errors`, fails the test at the end.

Filters that await asyncio's own objects (``--reactor asyncio``) want a real server.

>>> with Server("filtered_websocket.filters.broadcast_messages") as server:
...     a, b = server.connect(), server.connect("/room")
...     a.send("hi")
...     b.received()
['hi']
"""

from filtered_websocket.testing.client import Client, Refused, StillWaiting
from filtered_websocket.testing.server import FilterFailed, Server
from filtered_websocket.testing.socketio import Acknowledgement, ConnectError, SocketIOClient

__all__ = [
    "Acknowledgement",
    "Client",
    "ConnectError",
    "FilterFailed",
    "Refused",
    "Server",
    "SocketIOClient",
    "StillWaiting",
]
