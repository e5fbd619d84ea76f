"""What is measured: each workload as the generator's arguments (load/wsload.c)."""

from collections.abc import Collection
from typing import NamedTuple

from centrifugo import PROTOBUF_COMING_IN, PROTOBUF_PATH
from rows import BESIDE, COMPILED, OURS, ROWS, Row


class Workload(NamedTuple):
    name: str
    title: str
    arguments: str
    entry: str = "rooms"  # how a row's clients enter: Row.rooms, Row.echo or Row.join; "": the arguments tell
    group: str = "plain"
    variant: str = ""  # of a row's commands, those without it being left out; "": Row.command
    rows: tuple[str, ...] = ()  # measured in it; (): those that name no workloads of their own, or name this one
    env: tuple[tuple[str, str], ...] = ()
    descriptors: int = 1100  # open files that the server and the generator need, each
    programs: bool = True  # whether what the server has started counts too

    def measures(self, row: Row) -> bool:
        if self.variant and self.variant not in row.variants:
            return False
        if self.rows:
            return (OURS if row.name == BESIDE.name else row.name) in self.rows
        return not row.workloads or self.name in row.workloads


# One of each peer, on the loop that serves it best.
_PEERS = ("filtered_websocket", "picows", "node_ws", "aiohttp_uvloop", "websockets_uvloop", "starlette")
_ALL = (*_PEERS, *COMPILED)
_LARGE = (*_ALL, "node_ws_bufferutil")
_ECHOED = ("c_limit", *_LARGE)
_SHARED = ("c_limit_coalesce", *_ALL)
_DEFLATING = tuple(name for name in _PEERS if name != "picows")
_OURS = ("filtered_websocket", "filtered_websocket_redis")
_ON_CLUSTERS = ("filtered_websocket_redis7", "filtered_websocket_cluster")
_CENTRIFUGO = ("centrifugo", "go_centrifugo")
_CENTRIFUGO_REDIS = ("centrifugo_redis", "go_centrifugo_redis")
_SOCKETIO = ("socketio", "node_socketio", "python_socketio")

WORKLOADS = (
    Workload("fan1000", "1,000 subscribers, one message in flight", "--mode fanout -n 1000 -w 1 -s 128"),
    Workload("fan1000w16", "1,000 subscribers, 16 messages in flight", "--mode fanout -n 1000 -w 16 -s 128"),
    Workload("pair", "100 channels x 10, everybody publishes", "--mode pair --channels 100 -n 1000 -w 1 -s 128"),
    Workload("echo1", "echo, 100 clients, one in flight each", "--mode echo -n 100 -w 1 -s 64", "echo"),
    Workload("echo16", "echo, 100 clients, 16 in flight each", "--mode echo -n 100 -w 16 -s 64", "echo"),
    Workload("idle", "10,000 idle connections", "--mode idle -n 10000 --hold 1", descriptors=10100),
    Workload("fan10", "10 subscribers, one message in flight", "--mode fanout -n 10 -w 1 -s 128", group="small",
             rows=("c_limit", "python_limit", *_ALL)),
    Workload("tls_echo", "TLS: echo, 100 clients, one in flight each", "--tls --mode echo -n 100 -w 1 -s 64", "echo",
             "tls", "tls", _PEERS),
    Workload("tls_fan200", "TLS: 200 subscribers, one message in flight", "--tls --mode fanout -n 200 -w 1 -s 128",
             "rooms", "tls", "tls", _PEERS),
    Workload("tls_idle", "TLS: 2,000 idle connections", "--tls --mode idle -n 2000 --hold 1", "echo", "tls", "tls",
             _PEERS, descriptors=2100),
    Workload("echo64k", "echo of 64 KiB, 10 clients", "--mode echo -n 10 -w 1 -s 65536", "echo", "large", rows=_ECHOED),
    Workload("echo1m", "echo of 1 MiB, 4 clients", "--mode echo -n 4 -w 1 -s 1048576", "echo", "large", rows=_ECHOED),
    Workload("fan64k", "100 subscribers of 64 KiB, one message in flight", "--mode fanout -n 100 -w 1 -s 65536",
             group="large", rows=_LARGE),
    Workload("churn", "connect, echo and close", "--mode churn -n 50 -s 64 --warm 2", "echo", "churn", rows=_PEERS),
    Workload("tls_churn", "TLS: connect, echo and close", "--tls --mode churn -n 50 -s 64 --warm 2", "echo", "churn",
             "tls", _PEERS),
    Workload("handshake", "5,000 handshakes after 5,000 others", "--mode idle -n 5000 --before --hold 0.1",
             group="handshake", rows=(*_ALL, "philote"), descriptors=5100),
    *(
        Workload(f"shared{each}{suffix}",
                 f"1,000 clients, each in {each} of 100 channels, 16 publishers, {flight} in flight each",
                 f"--mode shared -n 1000 --channels 100 --each {each} --pubs 16 -w {flight} -s 128",
                 "join", "shared", "join", rows)
        for each, flight, suffix, rows in ((2, 4, "", _SHARED), (20, 4, "", _SHARED), (2, 1, "light", _PEERS))
    ),
    Workload("single50k", "50,000 channels of one subscriber, 500 connections, 16 publishers",
             "--mode shared -n 500 --channels 50000 --each 100 --pubs 16 -w 1 -s 128", "join", "shared", "join",
             _PEERS),
    Workload("deflate_echo", "deflate: echo of 1 KB JSON, 100 clients",
             "--deflate --json --mode echo -n 100 -w 1 -s 1200", "echo", "deflate", "deflate", _DEFLATING),
    Workload("deflate_fan500", "deflate: 1 KB JSON to 500, one message in flight",
             "--deflate --json --mode fanout -n 500 -w 1 -s 1200", "rooms", "deflate", "deflate", _DEFLATING),
    *(
        Workload(f"presence{members}", f"a join and a leave among {members:,} members",
                 "--mode echo -n 10 -w 1 -s 64 --path /presence", "", "presence", "presence", _OURS,
                 (("BENCH_MEMBERS", str(members)),))
        for members in (100, 10000)
    ),
    Workload("sio_ack", "Socket.IO: 100 clients, an event with its acknowledgement, one in flight each",
             "--mode echo -n 100 -w 1 -s 64", "echo", "socketio", rows=_SOCKETIO),
    Workload("sio_fan1000", "Socket.IO: emits to a room of 1,000, one in flight",
             "--mode fanout -n 1000 -w 1 -s 128", "rooms", "socketio", rows=(*_SOCKETIO, "ws_emit")),
    Workload("sio_rooms", "Socket.IO: 100 rooms x 10, everybody emits",
             "--mode pair --channels 100 -n 1000 -w 1 -s 128", "rooms", "socketio", rows=(*_SOCKETIO, "ws_emit")),
    Workload("sio_idle", "Socket.IO: 5,000 idle connections", "--mode idle -n 5000 --hold 1", "echo", "socketio",
             rows=_SOCKETIO, descriptors=5100),
    Workload("cen_fan1000", "Centrifugo: 1,000 subscribers of a channel with history, one message in flight",
             "--mode fanout -n 1000 -w 1 -s 128", "rooms", "centrifugo", rows=_CENTRIFUGO),
    Workload("cen_fan1000w16", "Centrifugo: the same with 16 messages in flight",
             "--mode fanout -n 1000 -w 16 -s 128", "rooms", "centrifugo", rows=(*_CENTRIFUGO, *_CENTRIFUGO_REDIS)),
    Workload("cen_rooms", "Centrifugo: 100 rooms x 10 with history, everybody publishes",
             "--mode pair --channels 100 -n 1000 -w 1 -s 128", "rooms", "centrifugo", rows=_CENTRIFUGO),
    Workload("cen_mixed", "Centrifugo: 500 subscribers of JSON and 500 of protobuf, one message in flight",
             f"--mode fanout -n 1000 -w 1 -s 128 --every-second {PROTOBUF_PATH} {PROTOBUF_COMING_IN}",
             "rooms", "centrifugo", rows=_CENTRIFUGO),
    Workload("cen_idle", "Centrifugo: 5,000 clients, each subscribed", "--mode idle -n 5000 --hold 1", "rooms",
             "centrifugo", rows=_CENTRIFUGO, descriptors=5100),
    Workload("cen_coming_in", "Centrifugo: 3,000 clients connect and subscribe in one frame, after 3,000 others",
             "--mode idle -n 3000 --before --hold 0.1", "rooms", "centrifugo", rows=_CENTRIFUGO, descriptors=3100),
    Workload("kept1000", "1,000 subscribers of a channel that keeps 100, one message in flight",
             "--mode fanout -n 1000 -w 1 -s 128", "rooms", "history", "kept", (OURS,)),
    Workload("kept1000w16", "1,000 subscribers of a channel that keeps 100, 16 messages in flight",
             "--mode fanout -n 1000 -w 16 -s 128", "rooms", "history", "kept", (OURS,)),
    Workload("cluster_publish", "publications to 100 channels of one subscriber each, 16 in flight each",
             "--mode echo -n 100 -w 16 -s 128", "echo", "cluster", "plain", _ON_CLUSTERS),
    Workload("cluster_kept", "the same on channels that keep 100",
             "--mode echo -n 100 -w 16 -s 128", "echo", "cluster", "kept", _ON_CLUSTERS),
    Workload("cluster_fan1000", "1,000 subscribers, one message in flight, on a cluster",
             "--mode fanout -n 1000 -w 1 -s 128", "rooms", "cluster", "plain", _ON_CLUSTERS),
    Workload("exec_pipe", "200 clients through one program, `cat`, told of 16 at a time: the server's own CPU",
             "--mode echo -n 200 -w 1 -s 64", "echo", "exec", "exec", (OURS,), programs=False),
    Workload("history", "an append to a history, and one publication read back",
             "--mode echo -n 10 -w 1 -s 64 --path /history%i", "", "history", "history", _OURS),
)  # fmt: skip
IDLE = "idle"
PLAIN = tuple(workload.name for workload in WORKLOADS if workload.group == "plain")
GROUPS = tuple(dict.fromkeys(workload.group for workload in WORKLOADS))


def measured(workload: Workload, names: Collection[str]) -> list[str]:
    """Those of the rows of these names that are measured in a workload."""
    return [row.name for row in (*ROWS, BESIDE) if row.name in names and workload.measures(row)]


def everywhere(names: Collection[str]) -> list[str]:
    """Those of the rows of these names that are measured in all plain workloads."""
    return [row.name for row in (*ROWS, BESIDE) if row.name in names and not row.workloads]
