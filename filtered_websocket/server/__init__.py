"""One server: what listens, and what its pipelines share. The base classes of filters are handed on from here too."""

from filtered_websocket.chain.events import (
    WebSocketConnectFilter,
    WebSocketConsumerFilter,
    WebSocketDataFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from filtered_websocket.server.server import Server

__all__ = [
    "Server",
    "WebSocketConnectFilter",
    "WebSocketConsumerFilter",
    "WebSocketDataFilter",
    "WebSocketDisconnectFilter",
    "WebSocketHandshakeFilter",
    "WebSocketMessageFilter",
    "WebSocketStartFilter",
    "WebSocketStopFilter",
]
