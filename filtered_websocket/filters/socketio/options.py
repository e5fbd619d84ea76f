"""The options of the Socket.IO pack. Those of its Engine.IO sessions mean what they mean there."""

from typing import Any

from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import boolean, integer, seconds, text, words
from filtered_websocket.filters.engineio.options import declare
from filtered_websocket.filters.socketio import bus, redis_emitter
from filtered_websocket.filters.socketio.addressing import Addressing
from filtered_websocket.filters.socketio.recovery import options as recovery


def _node_channel(value: Any) -> str:
    key = text(value)
    if key and not redis_emitter.can_read:
        raise ValueError("the package msgpack is wanted: pip install 'filtered_websocket[node]'")
    return key


CONNECT_TIMEOUT = Option(
    "socketio_connect_timeout",
    seconds(0.1, 3600),
    45.0,
    "how long a client may be in no namespace after it has come; then it is closed",
    unit="seconds",
    scope="pipeline",
)
MAX_ATTACHMENTS = Option(
    "socketio_max_attachments",
    integer(0, 10_000),
    10,
    "binary attachments of one packet of a client; one that sends more is closed",
    scope="pipeline",
)
MAX_NAMESPACES = Option(
    "socketio_max_namespaces",
    integer(1, 10_000),
    32,
    "namespaces that one client may be in; it is refused in the next",
    scope="pipeline",
)
MAX_ROOMS = Option(
    "socketio_max_rooms",
    integer(1, 1_000_000),
    1024,
    "rooms that one client may be in, in each namespace; join raises NotAllowed for the next",
    scope="pipeline",
)
MAX_ACKNOWLEDGEMENTS = Option(
    "socketio_max_acknowledgements",
    integer(1, 1_000_000),
    256,
    "acknowledgements that one client may owe at a time, in each namespace; call raises NotAllowed for the next",
    scope="pipeline",
)
MANAGER_CHANNELS = Option(
    "socketio_manager_channels",
    words,
    [*bus.CHANNELS],
    "channels on which managers of python-socketio and Flask-SocketIO emit; an empty list for none",
    many=True,
    scope="pipeline",
)
PICKLE = Option(
    "socketio_pickle",
    boolean,
    False,
    "read pickles of plain values on these channels too, as python-socketio up to 5.13 writes them",
    scope="pipeline",
    switch=True,
)
PIPELINE = Option(
    "socketio_pipeline",
    text,
    "",
    "where several pipelines have this pack: that to which programs emit that know no pipelines, such as "
    "Flask-SocketIO: its first pattern, * for that of the option filters",
)
NODE_CHANNEL = Option(
    "socketio_node_channel",
    _node_channel,
    "",
    "key by which Node's @socket.io/redis-emitter emits, its own is socket.io; without it that is not heard",
    scope="pipeline",
)
ADDRESSING = Addressing("socketio")

OPTIONS = (
    *declare("socketio", "/socket.io", "Socket.IO 2"),
    CONNECT_TIMEOUT,
    MAX_ATTACHMENTS,
    MAX_NAMESPACES,
    MAX_ROOMS,
    MAX_ACKNOWLEDGEMENTS,
    MANAGER_CHANNELS,
    PICKLE,
    NODE_CHANNEL,
    *recovery.declare("socketio"),
    PIPELINE,
)
DEFAULTS = {"allowed_origins": ["*"]}  # socketio_cors decides, and refuses with 400
