"""What is measured: a row is a name, the command that starts a server, and how the generator's clients enter it.

`{port}` and the names of `Places` are filled in by measure.py; commands run in bench/. A variant of a server (another
storage object, a pack) is one more row: its command, and what its clients say first (`--init`) and wrap their payload
in (`--tmpl`); %c is the channel's number, %i the client's, %P the payload.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    name: str
    command: str
    env: tuple[tuple[str, str], ...] = ()
    rooms: tuple[str, ...] = ("--path", "/c%c")
    echo: tuple[str, ...] | None = ("--path", "/echo")
    needs: tuple[str, ...] = ()  # "node", "redis": left out, and said so, where that is missing
    workloads: tuple[str, ...] = ()  # what it is measured in; (): everything


OURS = "filtered_websocket"

_AIO = "{{peers_python}} servers/ws_{}.py {{port}}"
_UVLOOP = (("BENCH_LOOP", "uvloop"),)
_REDIS = " --storage redis --redis_port {redis_port}"

# Packs, and what speaks a pack's protocol: one message to 1,000 and everybody to everybody tell what a protocol costs.
_PACK_WORKLOADS = ("fan1000", "pair")
_PACK = "{{fws_server}} --host 127.0.0.1 -p {{port}} -f filtered_websocket.filters.{}"
_SOCKETIO = ("--path", "/socket.io/?EIO=4&transport=websocket", "--eio", "--pub-init", "40", "--init", "40")
_SOCKETIO_ROOMS = (*_SOCKETIO, "--late-init", '42["join",{"room":"c%c"}]', "--tmpl", '42["m","c%c","%P"]')
# A token for each channel, signed with the empty secret: a client that reads c7 writes c7.
_TOKENS = str(Path(__file__).parent / "load" / "philote_paths.txt")

# Clients that speak permessage-deflate and have each sent one compressed message: what an inflater takes. Which window
# it has, the offer tells.
_DEFLATE = ("--path", "/echo", "--deflated", "hello", "--hdr", "Sec-WebSocket-Extensions: permessage-deflate{}\r\n")

_SERVERS = (
    Row("c_limit", "{build}/climit {port} 0"),
    Row("c_limit_coalesce", "{build}/climit {port} 1"),
    Row(OURS, "{fws_server} -c config.json -p {port}"),
    Row(
        "filtered_websocket_redis",
        "{fws_server} -c config.json -p {port}" + _REDIS,
        needs=("redis",),
    ),
    *(
        Row(
            f"{OURS}_{name}",
            "{fws_server} -c config.json -p {port} --compression",
            rooms=(*_DEFLATE[:-1], _DEFLATE[-1].format(offer)),
            workloads=("idle",),
        )
        for name, offer in (("deflate", "; client_max_window_bits"), ("deflate_32k", ""))
    ),
    Row("picows", _AIO.format("picows")),
    Row("node_ws", "node servers/node_ws.js {port}", needs=("node",)),
    Row("aiohttp", _AIO.format("aiohttp")),
    Row("aiohttp_uvloop", _AIO.format("aiohttp"), _UVLOOP),
    Row("websockets", _AIO.format("websockets")),
    Row("websockets_uvloop", _AIO.format("websockets"), _UVLOOP),
    Row("tw_autobahn", "{peers_python} servers/tw_autobahn.py {port}"),
    Row(
        "node_socketio",
        "node servers/node_socketio.js {port}",
        rooms=(*_SOCKETIO, "--late-init", '42["join","c%c"]', "--tmpl", '42["m","c%c","%P"]'),
        needs=("node",),
        workloads=_PACK_WORKLOADS,
    ),
    Row("python_socketio", _AIO.format("socketio"), rooms=_SOCKETIO_ROOMS, workloads=_PACK_WORKLOADS),
)

_PACKS = (
    Row("ws_emit", _PACK.format("ws_emit").replace("-f ", "-f filters.socketio "), rooms=_SOCKETIO_ROOMS),
    Row(
        "wsps",
        _PACK.format("wsps"),
        rooms=(
            *("--init", '{"type":"subscribe","channel":"c%c"}'),
            *("--tmpl", '{"type":"publish","channel":"c%c","data":"%P"}'),
        ),
    ),
    Row(
        "philote",  # which never sends to the sender
        _PACK.format("philote") + " --philote_max_connections 20000",
        rooms=("--paths", _TOKENS, "--tmpl", '{"channel":"c%c","data":"%P"}', "--self", "0"),
    ),
    Row(
        "pushi",  # events that are not stored, on public channels
        _PACK.format("pushi") + " --pushi_event_rate 0 --pushi_max_event_size 1M",
        env=(("FWS_PUSHI_APPS", '[{"id":"bench","key":"bench","secret":"secret"}]'),),
        rooms=(
            *("--path", "/bench", "--init", '{"event":"pusher:subscribe","data":{"channel":"c%c"}}'),
            *("--pub-init", '{"event":"pusher:subscribe","data":{"channel":"c%c"}}', "--self", "0"),
            *("--tmpl", '{"event":"m","channel":"c%c","data":"%P","persist":false}'),
        ),
    ),
    Row(
        "pusher",  # client events, which never come back to the sender
        _PACK.format("pusher").replace("-f ", "-f filters.pusher_sign ")
        + " --pusher_client_event_rate 0 --pusher_max_event_size 1M",
        env=(("FWS_PUSHER_APPS", '[{"id":"1","key":"bench","secret":"secret","client_events":true}]'),),
        rooms=(
            *("--path", "/app/bench?protocol=7"),
            *("--init", '{"event":"pusher:subscribe","data":{"channel":"private-c%c"}}'),
            *("--pub-init", '{"event":"pusher:subscribe","data":{"channel":"private-c%c"}}'),
            *("--tmpl", '{"event":"client-m","channel":"private-c%c","data":"%P"}', "--self", "0"),
        ),
    ),
)

ROWS = (
    *_SERVERS,
    *(row._replace(workloads=_PACK_WORKLOADS) for row in _PACKS),
    *(
        row._replace(
            name=f"{row.name}_redis", command=row.command + _REDIS, needs=("redis",), workloads=_PACK_WORKLOADS
        )
        for row in _PACKS
    ),
)


def measured_in(names: Iterable[str], workload: str) -> list[str]:
    """Those of these rows that are not left out of this workload."""
    left_out = {row.name for row in ROWS if row.workloads and workload not in row.workloads}
    return [name for name in names if name not in left_out]


def measured_in_everything(names: Iterable[str]) -> list[str]:
    """Those of these rows that are not left out of any workload."""
    few = {row.name for row in ROWS if row.workloads}
    return [name for name in names if name not in few]
