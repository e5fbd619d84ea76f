"""The real fws_server with an application of Socket.IO, and other projects' programs on the same Redis."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.deadlines import limited
from tests.support.fws_server import FwsServer
from tests.support.http_client import ask
from tests.support.lines import TESTS
from tests.support.malicious_pickle import Malicious
from tests.support.raw_client import DEADLINE, wait_until
from tests.support.redis_server import RedisServer
from tests.support.socketio_clients import Client, python_path
from tests.support.socketio_managers import GENERATIONS, call
from tests.support.socketio_node_emitter import emit_by_node

APPLICATION = """
from filtered_websocket.filters.socketio import SocketIOConnectFilter, SocketIOEventFilter, SocketIOServerFilter


class Enter(SocketIOConnectFilter):
    namespace = ("/", "/chat")


class Join(SocketIOEventFilter):
    event = "join"
    namespace = ("/", "/chat")

    @classmethod
    def filter(cls, socket, room):
        socket.join(room)
        return sorted(socket.rooms - {socket.id})


class News(SocketIOServerFilter):
    event = "news"
    namespace = "/chat"

    @classmethod
    def filter(cls, namespace, *arguments):
        namespace.local.emit("of each worker", *arguments)
"""
Connect = Callable[..., Client]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: Any) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis"), tcp=True) as running:
        yield running


@pytest.fixture(scope="module")
def server(redis: RedisServer, tmp_path_factory: Any) -> Iterator[FwsServer]:
    """Two workers: what programs say is heard by both."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "application.py").write_text(APPLICATION)
    options = ["--workers", "2", "--storage", "redis", "--redis_url", redis.url, "--socketio_pickle"]
    options += ["--socketio_node_channel", "socket.io"]
    with FwsServer("-f", "application", *options, cwd=folder) as running:
        yield running


@pytest.fixture
def connect(server: FwsServer) -> Iterator[Connect]:
    with ExitStack() as stack:

        def begin(namespace: str = "", port: int | None = None) -> Client:
            return stack.enter_context(Client("js-4", f"http://127.0.0.1:{port or server.port}{namespace}"))

        yield begin


@contextmanager
def beside(redis: RedisServer, *packages: str) -> Iterator[int]:
    """A server of python-socketio on the same Redis: its port."""
    process = subprocess.Popen(
        [sys.executable, str(TESTS / "python" / "socketio_server.py"), f"redis://127.0.0.1:{redis.port}/0"],
        env=os.environ | python_path(*packages),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        with limited(process):
            port = int(process.stdout.readline())
        yield port
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE)


def emits(*events: dict[str, Any]) -> list[Any]:
    return [["emit", {"data": None, "namespace": "/chat"} | each] for each in events]


@pytest.mark.parametrize("kind", ["default", "async", "manager"])
@pytest.mark.parametrize("generation", GENERATIONS)
def test_what_managers_of_each_generation_want_is_done(
    redis: RedisServer, connect: Connect, generation: str, kind: str
) -> None:
    client, other, root = connect("/chat"), connect("/chat"), connect()
    sid, skipped, _ = (each.wait("connect")["id"] for each in (client, other, root))
    assert client.ask("join", "hall") == [["hall"]]
    assert client.ask("join", "yard") == [["hall", "yard"]]
    assert other.ask("join", "hall") == [["hall"]]
    binary = {"in": {"bytes": [0, 255]}} if "5.14" not in generation else {"in": "no bytes in its JSON"}
    several = {"tuple": [1, [2]]} if "5.14" not in generation else 1
    calls = emits(
        {"event": "a", "data": {"time": 1}, "room": "hall", "skip_sid": skipped},
        {"event": "b", "data": several, "room": sid},
        {"event": "c", "data": binary, "skip_sid": [skipped]},
        {"event": "once", "room": ["hall", "yard"]},
        {"event": "none", "skip_sid": [sid, skipped]},
        {"event": "root", "namespace": None},
    )
    calls.append(["enter_room", {"sid": skipped, "namespace": "/chat", "room": "entered"}])
    calls += emits({"event": "entered", "data": "é😀", "room": "entered"})
    calls.append(["leave_room", {"sid": skipped, "namespace": "/chat", "room": "entered"}])
    calls += emits({"event": "left", "room": "entered"})
    calls.append(["close_room", {"room": "hall", "namespace": "/chat"}])
    calls += emits({"event": "closed", "room": "hall"}, {"event": "last"})
    call(GENERATIONS[generation], redis, kind, *calls)
    assert client.event() == ("a", {"time": 1})
    assert client.event() == (("b", 1, [2]) if several != 1 else ("b", 1))
    assert client.event() == ("c", binary)
    assert client.event()[0] == "once"
    assert client.event()[0] == "last"
    assert [other.event()[0] for _ in range(3)] == ["once", "entered", "last"]
    assert root.event()[0] == "root"
    assert client.ask("join", "x") == [["x", "yard"]]
    # As its `disconnect` would, which wants a server beside the manager.
    order = {"method": "disconnect", "sid": sid, "namespace": "/chat", "host_id": "x"}
    call(GENERATIONS[generation], redis, kind, ["_publish", {"data": order}])
    assert client.wait("disconnect")["reason"] == "io server disconnect"
    assert other.ask("join", "still there") == [["still there"]]


def test_a_manager_of_python_socketio_4_emits_and_closes_rooms(redis: RedisServer, connect: Connect) -> None:
    client = connect("/chat")
    sid = client.wait("connect")["id"]
    client.ask("join", "hall")
    calls = emits(
        {"event": "a", "data": {"tuple": [1, {"bytes": [0, 255]}]}, "room": "hall"},
        {"event": "skipped", "skip_sid": sid},
        {"event": "b", "data": "é", "room": sid},
    )
    calls += [["close_room", {"room": "hall", "namespace": "/chat"}]]
    calls += emits({"event": "closed", "room": "hall"}, {"event": "last"})
    call(("socketio-4", "socketio"), redis, "default", *calls)
    assert [client.event() for _ in range(3)] == [("a", 1, {"bytes": [0, 255]}), ("b", "é"), ("last",)]


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_flask_application_emits(redis: RedisServer, connect: Connect, generation: str) -> None:
    client = connect("/chat")
    client.wait("connect")
    client.ask("join", "time")
    calls = [{"event": "update", "data": {"time": 1}, "to": "time", "namespace": "/chat"}]
    call(GENERATIONS[generation], redis, "flask", *(["emit", each] for each in calls))
    assert client.event() == ("update", {"time": 1})


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_server_beside_calls_our_client_and_puts_it_out(
    redis: RedisServer, connect: Connect, generation: str
) -> None:
    client = connect("/chat")
    sid = client.wait("connect")["id"]
    with beside(redis, *GENERATIONS[generation]) as port:
        theirs = connect(port=port)
        theirs.wait("connect")
        wanted = {"event": "ask", "data": {"n": 1}, "to": sid, "namespace": "/chat"}
        assert theirs.ask("call", wanted) == [{"n": 1}]
        assert client.event() == ("ask", {"n": 1})
        theirs.ask("put_out", {"sid": sid, "namespace": "/chat"})
        assert client.wait("disconnect")["reason"] == "io server disconnect"


def test_what_nodes_emitter_wants_is_done(redis: RedisServer, connect: Connect) -> None:
    client, other, root = connect("/chat"), connect("/chat"), connect()
    sid, excepted, _ = (each.wait("connect")["id"] for each in (client, other, root))
    assert client.ask("join", "hall") == [["hall"]]
    assert other.ask("join", "hall") == [["hall"]]
    chat = ["of", "/chat"]
    emit_by_node(
        redis,
        [chat, ["to", "hall"], ["except", excepted], ["emit", "a", 1, {"in": [{"bytes": [0, 255]}, None, 1.5, -7]}]],
        [chat, ["to", ["hall", sid]], ["emit", "once", "é😀", {"date": "2020-07-04T04:05:20.005Z"}]],
        [["emit", "root"]],
        [chat, ["in", excepted], ["socketsJoin", ["entered", "x"]]],
        [chat, ["to", "entered"], ["volatile"], ["emit", "entered"]],
        [chat, ["in", "entered"], ["socketsLeave", "entered"]],
        [chat, ["to", "entered"], ["emit", "left"]],
        [chat, ["serverSideEmit", "news", 5]],
        [chat, ["emit", "last"]],
    )
    assert client.event() == ("a", 1, {"in": [{"bytes": [0, 255]}, None, 1.5, -7]})
    assert client.event() == ("once", "é😀", "2020-07-04T04:05:20.005Z")
    assert [client.event() for _ in range(2)] == [("of each worker", 5), ("last",)]
    names = [other.event()[0] for _ in range(4)]
    assert names == ["once", "entered", "of each worker", "last"]
    assert root.event() == ("root",)
    assert other.ask("join", "y") == [["hall", "x", "y"]]
    emit_by_node(redis, [chat, ["in", "hall"], ["disconnectSockets", True]])
    assert client.wait("disconnect")["reason"] in ("io server disconnect", "transport close")
    assert other.wait("disconnect")["reason"] in ("io server disconnect", "transport close")
    assert root.ask("join", "still there") == [["still there"]]


def test_a_malicious_pickle_runs_nothing_is_counted_and_logged_and_the_next_message_is_delivered(
    server: FwsServer, redis: RedisServer, connect: Connect, tmp_path: Path
) -> None:
    client = connect("/chat")
    client.wait("connect")
    wanted = {"method": "emit", "event": "e", "namespace": "/chat", "data": Malicious(tmp_path / "ran")}
    for data in (pickle.dumps(wanted), pickle.dumps(wanted, 0), b"5", b"\xff", pickle.dumps(wanted | {"data": "next"})):
        redis.ask("PUBLISH", "socketio", data)
    assert client.event() == ("e", "next")
    assert not (tmp_path / "ran").exists()
    server.wait_for(r"dropped: socketio: unreadable on the bus \(.*which plain values do not need")
    wait_until(lambda: unreadable(server) == [" 4.0"])


def unreadable(server: FwsServer) -> list[str]:
    """How many messages the worker that answers could not read."""
    metrics = ask(("127.0.0.1", server.port), "GET", "/metrics").body.decode()
    return [each[each.rindex(" ") :] for each in metrics.splitlines() if "socketio: unreadable on the bus" in each]
