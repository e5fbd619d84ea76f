"""What is measured: a row is a name, the command that starts a server, and how the generator's clients enter it.

`{port}` and the names of `Places` are filled in by measure.py; commands run in bench/. A server with another storage
object or a pack is one more row: its command, and what its clients say first (`--init`) and wrap their payload in
(`--tmpl`); %c is the channel's number, %i the client's, %P the payload. What some workloads want of a server, TLS for
one, is a variant of its row: another command under the name of what is wanted.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import centrifugo


class Row(NamedTuple):
    name: str
    command: str
    env: tuple[tuple[str, str], ...] = ()
    rooms: tuple[str, ...] = ("--path", "/c%c")
    echo: tuple[str, ...] | None = ("--path", "/echo")
    join: tuple[str, ...] = ("--path", "/join%j", "--pub-path", "/join", "--tmpl", "c%c %P")
    needs: tuple[str, ...] = ()  # of `places.have`: left out, and said so, where that is missing
    workloads: tuple[str, ...] = ()  # what it is measured in, beside those that name it; (): all that name nothing
    variants: Mapping[str, str] = MappingProxyType({})  # what a workload wants -> the command for it


OURS = "filtered_websocket"
COMPILED = ("gorilla", "coder", "nbio", "tungstenite")

_UVLOOP = (("BENCH_LOOP", "uvloop"),)
_REDIS = " --storage redis --redis_port {redis_port}"
# Each on one core, as all others.
_GO = (("GOMAXPROCS", "1"),)
# The plain workloads of a server that is not measured in all of them.
FEW = ("fan1000", "pair", "echo1")


def _peer(command: str, *wants: str) -> dict[str, str]:
    """The variants of a peer that takes `PORT [--tls CERT KEY] [--deflate]` and knows /join."""
    options = {"join": "", "tls": " --tls {certificate} {key}", "deflate": " --deflate"}
    return {want: command + options[want] for want in ("join", *wants)}


def _python(name: str, file: str, *wants: str, env: tuple[tuple[str, str], ...] = (), few: bool = False) -> Row:
    command = f"{{peers_python}} servers/ws_{file}.py {{port}}"
    return Row(name, command, env, variants=_peer(command, *wants), workloads=FEW if few else ())


def _node(name: str, env: tuple[tuple[str, str], ...] = ()) -> Row:
    command = "node servers/node_ws.js {port}"
    return Row(name, command, env, needs=("node",), variants=_peer(command, "tls", "deflate"))


def _compiled(name: str, command: str, need: str, env: tuple[tuple[str, str], ...] = ()) -> Row:
    return Row(name, command, env, needs=(need,), workloads=FEW, variants=_peer(command))


_FWS = "{fws_server} --host 127.0.0.1 -p {port} -f "
_OUR_VARIANTS = {
    "tls": "{fws_server} -c config.json -p {port} --cert {certificate} --key {key}",
    "deflate": "{fws_server} -c config.json -p {port} --compression",
    "join": _FWS + "filters.join",
    "presence": _FWS + "filters.presence",
    "plain": _FWS + "filters.rooms",
    "exec": _FWS + "filtered_websocket.filters.exec_pipe filters.echo --exec_pipe cat --exec_in_flight 16",
    "kept": _FWS + 'filters.rooms --channels \'{{"*":{{"history":100}}}}\'',
    "history": _FWS + 'filters.history --channels \'{{"*":{{"history":100}}}}\'',
}

# Packs, and what speaks a pack's protocol: one message to 1,000 and everybody to everybody tell what a protocol costs.
PACK_WORKLOADS = ("fan1000", "pair")
_PACK = "{{fws_server}} --host 127.0.0.1 -p {{port}} -f filtered_websocket.filters.{}"
_SOCKETIO = ("--path", "/socket.io/?EIO=4&transport=websocket", "--eio", "--pub-init", "40", "--init", "40")
_SOCKETIO_ROOMS = (*_SOCKETIO, "--late-init", '42["join","c%c"]', "--tmpl", '42["m","c%c","%P"]')
_SOCKETIO_ASK = (*_SOCKETIO, "--tmpl", '420["a","%P"]')
_CENTRIFUGO = ("--path", centrifugo.PATH, "--pub-init", '{"id":1,"connect":{}}', "--init")
_KEPT = centrifugo.CHANNEL.format("c%c")
# All in one frame, as its JavaScript SDK comes in: two replies are waited for.
_CENTRIFUGO_ROOMS = (
    *_CENTRIFUGO,
    f'{{"id":1,"connect":{{}}}}\n{{"id":2,"subscribe":{{"channel":"{_KEPT}"}}}}',
    *("--answers", "2", "--tmpl", f'{{"id":3,"publish":{{"channel":"{_KEPT}","data":"%P"}}}}'),
)
_KEEPS = 100
# A token for each channel, signed with the empty secret: a client that reads c7 writes c7.
_TOKENS = str(Path(__file__).parent / "load" / "philote_paths.txt")

# Clients that speak permessage-deflate and have each sent one compressed message: what an inflater takes. Which window
# it has, the offer tells.
_DEFLATE = ("--path", "/echo", "--deflated", "hello", "--hdr", "Sec-WebSocket-Extensions: permessage-deflate{}\r\n")

_SERVERS = (
    Row("c_limit", "{build}/climit {port} 0"),
    Row("c_limit_coalesce", "{build}/climit {port} 1", variants={"join": "{build}/climit {port} 1"}),
    # By the interpreter that this runs in, which has the package and its C.
    Row("python_limit", f"{sys.executable} servers/python_limit.py {{port}}", workloads=("fan10", *FEW)),
    Row(OURS, "{fws_server} -c config.json -p {port}", variants=_OUR_VARIANTS),
    Row(
        f"{OURS}_redis",
        "{fws_server} -c config.json -p {port}" + _REDIS,
        needs=("redis",),
        variants={want: _OUR_VARIANTS[want] + _REDIS for want in ("presence", "history")},
    ),
    # Side by side on the same Redis 7, whose CPU does not count: what a cluster costs this process.
    *(
        Row(
            f"{OURS}_{name}",
            "{fws_server} -c config.json -p {port}" + storage,
            echo=("--path", "/c%i"),
            needs=(need,),
            workloads=("cluster_publish", "cluster_kept", "cluster_fan1000"),
            variants={want: _OUR_VARIANTS[want] + storage for want in ("kept", "plain")},
        )
        for name, need, storage in (
            ("redis7", "redis7", _REDIS),
            ("cluster", "redis_cluster", _REDIS + " --redis_cluster yes"),
        )
    ),
    Row(
        f"{OURS}_workers2",
        "{fws_server} -c config.json -p {port} --workers 2" + _REDIS,
        needs=("redis",),
        workloads=FEW,
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
    _python("picows", "picows", "tls"),
    _node("node_ws", (("WS_NO_BUFFER_UTIL", "1"),)),
    _node("node_ws_bufferutil")._replace(workloads=("echo64k", "echo1m", "fan64k")),
    _python("aiohttp", "aiohttp"),
    _python("aiohttp_uvloop", "aiohttp", "tls", "deflate", env=_UVLOOP),
    _python("websockets", "websockets"),
    _python("websockets_uvloop", "websockets", "tls", "deflate", env=_UVLOOP),
    _python("starlette", "starlette", "tls", "deflate", few=True),
    Row("tw_autobahn", "{peers_python} servers/tw_autobahn.py {port}"),
    Row(
        "node_socketio",
        "node servers/node_socketio.js {port}",
        rooms=_SOCKETIO_ROOMS,
        echo=_SOCKETIO_ASK,
        needs=("node",),
        workloads=PACK_WORKLOADS,
    ),
    *(_compiled(name, f"{{build}}/go_{name} {{port}}", "go", _GO) for name in COMPILED[:3]),
    _compiled(COMPILED[3], "{build}/rust/release/peer {port}", "cargo"),
    *(
        Row(
            f"go_centrifugo{suffix}",
            centrifugo.original(_KEEPS, redis=bool(needs)),
            rooms=_CENTRIFUGO_ROOMS,
            needs=("centrifugo", *needs),
            workloads=PACK_WORKLOADS,
        )
        for suffix, needs in (("", ()), ("_redis", ("redis",)))
    ),
    Row(
        "python_socketio",
        "{peers_python} servers/ws_socketio.py {port}",
        rooms=_SOCKETIO_ROOMS,
        echo=_SOCKETIO_ASK,
        workloads=PACK_WORKLOADS,
    ),
)

_PACKS = (
    Row(
        "centrifugo",
        centrifugo.ours("{fws_server} --host 127.0.0.1 -p {port}", _KEEPS),
        rooms=_CENTRIFUGO_ROOMS,
    ),
    Row(
        "ws_emit",
        _PACK.format("ws_emit").replace("-f ", "-f filters.socketio "),
        rooms=(*_SOCKETIO, "--late-init", '42["join",{"room":"c%c"}]', "--tmpl", '42["m","c%c","%P"]'),
    ),
    Row(
        "socketio",
        _PACK.format("socketio") + " filters.socketio_events",
        rooms=_SOCKETIO_ROOMS,
        echo=_SOCKETIO_ASK,
    ),
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
    *(row._replace(workloads=PACK_WORKLOADS) for row in _PACKS),
    *(
        row._replace(name=f"{row.name}_redis", command=row.command + _REDIS, needs=("redis",), workloads=PACK_WORKLOADS)
        for row in _PACKS
    ),
)

# Ours from another checkout, for a measurement of a change: run.py's --beside says which.
BESIDE = next(row for row in ROWS if row.name == OURS)._replace(name="beside")
