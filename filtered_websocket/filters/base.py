"""What authors of filters import: the chain roots, what filters get and see, and what makes a chain of one's own."""

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
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.messages.recovery import Recovery

__all__ = [
    "Connection",
    "FilterBase",
    "FilterMeta",
    "Pipeline",
    "Position",
    "Publication",
    "Recovery",
    "WebSocketConnectFilter",
    "WebSocketConsumerFilter",
    "WebSocketDataFilter",
    "WebSocketDisconnectFilter",
    "WebSocketHandshakeFilter",
    "WebSocketMessageFilter",
    "WebSocketStartFilter",
    "WebSocketStopFilter",
]
