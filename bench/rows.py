"""Who is measured: a row is a name, the command that starts a server, and how the generator's clients enter it.

`{port}` and the names of `Places` are filled in by measure.py; commands run in bench/. A variant of a server (another
storage object, a pack) is one more row: its command, and what its clients say first (`--init`) and wrap their payload
in (`--tmpl`); %c is the channel's number, %i the client's, %P the payload.
"""

from typing import NamedTuple


class Row(NamedTuple):
    name: str
    command: str
    version: str = ""  # the package whose version stands in the report
    env: tuple[tuple[str, str], ...] = ()
    rooms: tuple[str, ...] = ("--path", "/c%c")
    echo: tuple[str, ...] | None = ("--path", "/echo")
    needs: tuple[str, ...] = ()  # "node", "redis": left out, and said so, where that is missing
    default: bool = True  # measured by `make bench`, not only by --only


OURS = "filtered_websocket"

_SOCKETIO = ("--path", "/socket.io/?EIO=4&transport=websocket", "--eio", "--init", "40")
_JOIN = '42["join","c%c"]'

ROWS = (
    Row("c_limit", "{build}/climit {port} 0"),
    Row("c_limit_coalesce", "{build}/climit {port} 1"),
    Row(OURS, "{fws_server} -c config.json -p {port}", "filtered_websocket"),
    Row("picows", "{peers_python} servers/ws_picows.py {port}", "picows"),
    Row("node_ws", "node servers/node_ws.js {port}", "ws", needs=("node",)),
    Row("aiohttp", "{peers_python} servers/ws_aiohttp.py {port}", "aiohttp"),
    Row("websockets", "{peers_python} servers/ws_websockets.py {port}", "websockets"),
    Row("tw_autobahn", "{peers_python} servers/tw_autobahn.py {port}", "autobahn"),
    Row(
        "filtered_websocket_redis",
        "{fws_server} -c config.json -p {port} --storage redis --redis_port {redis_port}",
        "filtered_websocket",
        needs=("redis",),
        default=False,
    ),
    Row(
        "node_socketio",
        "node servers/node_socketio.js {port}",
        "socket.io",
        rooms=(*_SOCKETIO, "--init", _JOIN, "--pub-init", "40", "--pub-init", _JOIN, "--tmpl", '42["m","%P"]'),
        echo=(*_SOCKETIO, "--tmpl", '42["e","%P"]'),
        needs=("node",),
        default=False,
    ),
)
