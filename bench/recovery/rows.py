"""Which servers are measured: commands as in bench/rows.py, with storage that lasts where the row says so."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import centrifugo

from recovery.protocols import ROOM

_SECRET = "bench"
_PUBLISH: Mapping[str, Any] = MappingProxyType(
    {"path": "/publish", "headers": {"Authorization": f"Bearer {_SECRET}"}, "slot": "data"}
    | {"body": {"channel": "broadcast_messages"}}
)
_EMIT: Mapping[str, Any] = MappingProxyType(
    {"path": "/emit", "headers": {"Content-Type": "application/json"}, "slot": "data"}
    | {"body": {"event": "m", "room": ROOM, "secret": _SECRET}}
)

# Errors by status: else what was refused is answered with 200.
_API: Mapping[str, Any] = MappingProxyType(
    {"path": "/api/publish", "headers": {"X-API-Key": centrifugo.API_KEY, "X-Centrifugo-Error-Mode": "transport"}}
    | {"slot": "data", "body": {"channel": centrifugo.CHANNEL.format(ROOM)}}
)


class Row(NamedTuple):
    """
    :ivar command: ``{port}``, ``{redis_port}``, ``{folder}`` and the names of `Places` are filled in
    :ivar post: how a message is published
    :ivar nodes: processes of it, each with a port of its own; clients come back to any of them
    :ivar needs: as in bench/rows.py
    """

    name: str
    command: str
    protocol: str
    post: Mapping[str, Any]
    nodes: int = 1
    needs: tuple[str, ...] = ()


_OURS = "{fws_server} --host 127.0.0.1 -p {port} --backlog 4096 "
_PLAIN = (
    _OURS + f"--publish_secret {_SECRET} "
    '--channels \'{{"broadcast_messages":{{"history":10000}}}}\' -f filtered_websocket.filters.'
)
_HISTORY = _PLAIN + "history filtered_websocket.filters.broadcast_messages"
_WS_EMIT = _OURS + f"--ws_emit_secret {_SECRET} --ws_emit_recovery 120 -f filtered_websocket.filters.ws_emit"
_CENTRIFUGO = centrifugo.ours(_OURS.rstrip(), 10000)
_SQLITE = " --storage sqlite --sqlite_file {folder}/history.sqlite"
_REDIS = " --storage redis --redis_port {redis_port}"
_WORKERS = " --workers 2"

ROWS = (
    Row("plain", _PLAIN + "broadcast_messages", "bare", _PUBLISH),
    Row("history", _HISTORY, "plain", _PUBLISH),
    Row("history_sqlite", _HISTORY + _SQLITE, "plain", _PUBLISH),
    Row("history_redis", _HISTORY + _REDIS, "plain", _PUBLISH, needs=("redis",)),
    Row("history_redis_nodes2", _HISTORY + _REDIS, "plain", _PUBLISH, 2, ("redis",)),
    Row("history_redis_workers2", _HISTORY + _REDIS + _WORKERS, "plain", _PUBLISH, needs=("redis",)),
    Row("ws_emit", _WS_EMIT, "socketio", _EMIT),
    Row("ws_emit_sqlite", _WS_EMIT + _SQLITE, "socketio", _EMIT),
    Row("ws_emit_redis", _WS_EMIT + _REDIS, "socketio", _EMIT, needs=("redis",)),
    Row("ws_emit_redis_nodes2", _WS_EMIT + _REDIS, "socketio", _EMIT, 2, ("redis",)),
    Row("ws_emit_redis_workers2", _WS_EMIT + _REDIS + _WORKERS, "socketio", _EMIT, needs=("redis",)),
    Row("centrifugo", _CENTRIFUGO, "centrifugo", _API),
    Row("centrifugo_sqlite", _CENTRIFUGO + _SQLITE, "centrifugo", _API),
    Row("centrifugo_redis", _CENTRIFUGO + _REDIS, "centrifugo", _API, needs=("redis",)),
    Row("centrifugo_redis_nodes2", _CENTRIFUGO + _REDIS, "centrifugo", _API, 2, ("redis",)),
    Row("centrifugo_redis_workers2", _CENTRIFUGO + _REDIS + _WORKERS, "centrifugo", _API, needs=("redis",)),
    Row("go_centrifugo", centrifugo.original(10000), "centrifugo", _API, needs=("centrifugo",)),
    *(
        Row(
            f"go_centrifugo_redis{suffix}", centrifugo.original(10000, redis=True), "centrifugo", _API, nodes,
            ("centrifugo", "redis"),
        )
        for suffix, nodes in (("", 1), ("_nodes2", 2))
    ),
    Row("node_socketio", "node servers/node_socketio_recovery.js {port}", "socketio", _EMIT, needs=("node",)),
    *(
        Row(
            f"node_socketio_streams{suffix}", "node servers/node_socketio_recovery.js {port} {redis_port}",
            "socketio", _EMIT, nodes, ("node", "redis"),
        )
        for suffix, nodes in (("", 1), ("_nodes2", 2))
    ),
    Row("python_socketio", "{peers_python} servers/ws_socketio_emit.py {port}", "socketio", _EMIT),
)  # fmt: skip
