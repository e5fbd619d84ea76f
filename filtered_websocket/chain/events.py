"""The server's events: one chain root for each."""

from filtered_websocket.chain.registry import FilterBase, FilterMeta


class WebSocketStartFilter(FilterBase, metaclass=FilterMeta):
    """The pipeline begins: open what other filters need. Gets the pipeline and None; an exception stops the start."""

    event = "start"


class WebSocketHandshakeFilter(FilterBase, metaclass=FilterMeta):
    """A client asks to connect, before the 101. Gets the connection and its request.

    ``raise Reject(status, reason)`` refuses; ``connection.accept(protocol, headers)`` chooses a subprotocol the client
    offered or adds headers to the 101. An exception refuses with 500.
    """

    event = "handshake"


class WebSocketConnectFilter(FilterBase, metaclass=FilterMeta):
    """The connection is open: greet, subscribe. Gets the connection and None; always paired with one disconnect."""

    event = "connect"


class WebSocketDataFilter(FilterBase, metaclass=FilterMeta):
    """Bytes have been received, the handshake's and those of no WebSocket at all included. Gets bytes.

    Bytes that a filter returns are parsed instead of the ones received.
    """

    event = "data"


class WebSocketMessageFilter(FilterBase, metaclass=FilterMeta):
    """A valid message has been received. Gets its payload as a bytearray, which a filter may change in place."""

    event = "message"


class WebSocketDisconnectFilter(FilterBase, metaclass=FilterMeta):
    """A connection that was open has ended, however: once. It is out of ``users``; ``close_code`` tells why."""

    event = "disconnect"


class WebSocketConsumerFilter(FilterBase, metaclass=FilterMeta):
    """A publication or a bus message has arrived. Gets the pipeline and the item.

    A publication is delivered to its channel as the chain's end leaves it. A bus message (a dict, or whatever was put
    into ``queue``) goes nowhere by itself.
    """

    event = "consumer"


class WebSocketStopFilter(FilterBase, metaclass=FilterMeta):
    """The pipeline ends: close what the start filter opened. Gets the pipeline and None."""

    event = "stop"


EVENTS: tuple[FilterMeta, ...] = (
    WebSocketStartFilter,
    WebSocketHandshakeFilter,
    WebSocketConnectFilter,
    WebSocketDataFilter,
    WebSocketMessageFilter,
    WebSocketDisconnectFilter,
    WebSocketConsumerFilter,
    WebSocketStopFilter,
)
"""The roots of the server's own chains, in the order of a connection's life."""
