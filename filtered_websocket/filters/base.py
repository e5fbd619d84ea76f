"""What authors of filters import: the chain roots, what filters get, and what makes a chain of one's own."""

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
from filtered_websocket.chain.interfaces import Connection, Pipeline
from filtered_websocket.chain.registry import FilterBase, FilterMeta

__all__ = [
    "Connection",
    "FilterBase",
    "FilterMeta",
    "Pipeline",
    "WebSocketConnectFilter",
    "WebSocketConsumerFilter",
    "WebSocketDataFilter",
    "WebSocketDisconnectFilter",
    "WebSocketHandshakeFilter",
    "WebSocketMessageFilter",
    "WebSocketStartFilter",
    "WebSocketStopFilter",
]
