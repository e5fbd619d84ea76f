"""Socket.IO 5, and 4 on Engine.IO 3: an application is filters of its events.

    -> 40 or 40/chat,{auth}         a client wants into a namespace     SocketIOConnectFilter
         <- 40/chat,{"sid": str}    it is in
         <- 44/chat,{"message": str, "data": any?}    it is refused: "Invalid namespace", or what a filter says
    -> 42/chat,ID?[event, ...]      an event                            SocketIOEventFilter
         <- 43/chat,ID[...]         its acknowledgement, if ID was there: what the filter returns
    -> 45N-/chat,ID?[event, ...]    and N binary messages, where {"_placeholder":true,"num":n} stands for one
    <- 42/chat,ID?[event, ...]      an event for a client               socket.emit, socket.call, socket.to(room).emit
         -> 43/chat,ID[...]         its acknowledgement: what call gives; 46N- with N binary messages
    -> 41/chat  <- 41/chat          out of the namespace                SocketIODisconnectFilter
         its reasons: client namespace disconnect, server namespace disconnect, transport close, ping timeout,
         forced close (what no client sends), forced server close (in no namespace in time), server shutting down

What no client sends closes it with 1002, as `engineio` says.
"""

from filtered_websocket.filters.socketio import filters, rest
from filtered_websocket.filters.socketio.acknowledgements import NoAnswer
from filtered_websocket.filters.socketio.events import (
    SocketIOConnectFilter,
    SocketIODisconnectFilter,
    SocketIOEventFilter,
    SocketIOServerFilter,
)
from filtered_websocket.filters.socketio.namespace import namespace
from filtered_websocket.filters.socketio.operator import Namespace, Operator, RemoteSocket
from filtered_websocket.filters.socketio.options import ADDRESSING, DEFAULTS, OPTIONS
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.filters.socketio.speech import SocketIOSpeech

SPEECH = SocketIOSpeech()

CHECK_PIPELINES = ADDRESSING.check

__all__ = [
    "CHECK_PIPELINES",
    "DEFAULTS",
    "OPTIONS",
    "SPEECH",
    "Namespace",
    "NoAnswer",
    "Operator",
    "RemoteSocket",
    "Socket",
    "SocketIOConnectFilter",
    "SocketIODisconnectFilter",
    "SocketIOEventFilter",
    "SocketIOServerFilter",
    "filters",
    "namespace",
    "rest",
]
