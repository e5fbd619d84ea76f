"""The options of the WS-Emit pack."""

from collections.abc import Mapping
from typing import Any

from filtered_websocket.config.option import Option, Original
from filtered_websocket.config.parsers import boolean, json_value, size, text, words
from filtered_websocket.filters.socketio.addressing import Addressing
from filtered_websocket.filters.socketio.recovery.options import declare
from filtered_websocket.limits import origins


def _origins(value: Any) -> list[str]:
    return origins.read(words(value))


def _secrets(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(each, str) and each for each in value.values()):
        raise ValueError('a JSON object of roomspaces and secrets is wanted, such as {"news": "a secret"}')
    if any("::" in space for space in value):
        raise ValueError("a roomspace ends before the first ::, so that none is written with it")
    return value


def _address(value: Any) -> str:
    host, colon, port = text(value).rpartition(":")
    if not colon or not port.isdecimal() or not port.isascii() or int(port) > 65535:
        raise ValueError("HOST:PORT is wanted, such as 0.0.0.0:8899")
    return f"{host}:{port}"


def _fill_address(value: str) -> Mapping[str, tuple[Any, str]]:
    host, _, port = value.rpartition(":")
    return {"host": (host.strip("[]"), "ws_emit_address"), "port": (port, "ws_emit_address")}


def _fill_redis(value: str) -> Mapping[str, tuple[Any, str]]:
    return {"storage": ("redis", "ws_emit_redis"), "redis_url": (value, "ws_emit_redis")} if value else {}


def _fill_verbose(value: bool) -> Mapping[str, tuple[Any, str]]:
    return {"log_level": ("debug", "ws_emit_verbose")} if value else {}


SECRET = Option(
    "ws_emit_secret", text, "", "secret of POST /emit; without one there is no /emit", scope="pipeline", secret=True
)
CORS = Option(
    "ws_emit_cors",
    _origins,
    ["http://localhost:7788"],
    "origins whose pages may connect, * for all",
    many=True,
    scope="pipeline",
)
ROOM_SECRETS = Option(
    "ws_emit_room_secrets",
    json_value(_secrets),
    {},
    "JSON object: a roomspace to the secret of its rooms, before the keys ws-emit::room_secret::SPACE in Redis",
    scope="pipeline",
    secret=True,
)
PICKLE = Option(
    "ws_emit_pickle",
    boolean,
    False,
    "read pickles of plain values on the channel flask-socketio too, as python-socketio up to 5.13 writes them",
    scope="pipeline",
    switch=True,
)
EIO3 = Option(
    "ws_emit_eio3", boolean, False, "serve clients of Socket.IO 2 (Engine.IO 3) too", scope="pipeline", switch=True
)
POLLING_BUFFER = Option(
    "ws_emit_polling_buffer",
    size(1024, 64 << 30),
    64 << 20,
    "most that may wait in all for clients that poll, between their GETs; what waits for several counts once, and the "
    "largest not at all",
    unit="bytes",
    scope="pipeline",
)
PIPELINE = Option(
    "ws_emit_pipeline",
    text,
    "",
    "where several pipelines have this pack: that to which programs emit that know no pipelines, such as "
    "Flask-SocketIO: its first pattern, * for that of the option filters",
)
ADDRESSING = Addressing("ws_emit")
ADDRESS = Option("ws_emit_address", _address, None, "HOST:PORT, as WS-Emit had it: host and port", fills=_fill_address)
REDIS = Option(
    "ws_emit_redis",
    text,
    None,
    "URL of Redis, as WS-Emit had it: storage redis and redis_url",
    secret=True,
    fills=_fill_redis,
)
VERBOSE = Option("ws_emit_verbose", boolean, False, "log_level debug", switch=True, fills=_fill_verbose)
FLASK_SECRET = Option("ws_emit_flask_secret", text, None, "taken and not used, as WS-Emit had it", secret=True)

OPTIONS = (
    SECRET,
    CORS,
    ROOM_SECRETS,
    PICKLE,
    EIO3,
    POLLING_BUFFER,
    *declare("ws_emit"),
    PIPELINE,
    ADDRESS,
    REDIS,
    VERBOSE,
    FLASK_SECRET,
)

ORIGINAL = Original(
    "ws_emit",
    8899,
    environment={
        "ADDRESS": "ws_emit_address",
        "CORS": "ws_emit_cors",
        "SECRET": "ws_emit_secret",
        "REDIS": "ws_emit_redis",
        "FLASK_SECRET": "ws_emit_flask_secret",
    },
    flags={
        "-a": "ws_emit_address",
        "--address": "ws_emit_address",
        "--cors": "ws_emit_cors",
        "--secret": "ws_emit_secret",
        "--flask-secret": "ws_emit_flask_secret",
        "--redis": "ws_emit_redis",
        "-v": "ws_emit_verbose",
    },
)
DEFAULTS = {
    "allowed_origins": ["*"],  # ws_emit_cors decides, and refuses with 400
    "max_channels": 1024,  # WS-Emit had no limit
}
