"""Redis, or a node, goes away under an application of Socket.IO: what clients and filters see of it."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.fws_server import FwsServer
from tests.support.outage import ready, started
from tests.support.raw_client import wait_until
from tests.support.redis_server import RedisServer
from tests.support.socketio_clients import Client
from tests.support.socketio_sessions import PollingSession

APPLICATION = """
    from filtered_websocket.errors import StorageAway
    from filtered_websocket.filters.socketio import (
        SocketIOConnectFilter, SocketIODisconnectFilter, SocketIOEventFilter, namespace
    )

    class Enter(SocketIOConnectFilter):
        @classmethod
        def filter(cls, socket, auth):
            socket.join("hall")

    class Echo(SocketIOEventFilter):
        event = "echo"

        @classmethod
        def filter(cls, socket, *arguments):
            return arguments

    class Join(SocketIOEventFilter):
        event = "join"

        @classmethod
        def filter(cls, socket, room):
            socket.join(room)
            return sorted(socket.rooms - {socket.id})

    class Say(SocketIOEventFilter):
        event = "say"

        @classmethod
        async def filter(cls, socket, room, number):
            try:
                await namespace(socket.connection.pipeline, "/").to(room).emit("said", room, number)
            except StorageAway:
                return "refused"
            return "said"

    class Ignore(SocketIOEventFilter):
        event = "ignore"

        @classmethod
        def filter(cls, socket, number):
            namespace(socket.connection.pipeline, "/").to("hall").emit("said", "hall", number)

    class Call(SocketIOEventFilter):
        event = "call"

        @classmethod
        async def filter(cls, socket, *arguments):
            return tuple(await socket.call("ask", *arguments, timeout=30))

    class Fetch(SocketIOEventFilter):
        event = "fetch"

        @classmethod
        async def filter(cls, socket):
            try:
                found = await namespace(socket.connection.pipeline, "/").to("late").fetch_sockets(timeout=30)
            except StorageAway:
                return "refused"
            return len(found)

    class Leave(SocketIOEventFilter):
        event = "leave"

        @classmethod
        def filter(cls, socket):
            socket.disconnect(True)

    class Left(SocketIODisconnectFilter):
        @classmethod
        def filter(cls, socket, reason):
            print("left:", reason, flush=True)
"""
Begin = Callable[[int, str, str], Client]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def nodes(tmp_path: Path, redis: RedisServer) -> Iterator[list[FwsServer]]:
    options = ["-f", "my_filters", "--storage", "redis", "--redis_url", redis.url, "--redis_heartbeat", "0.1"]
    with started(tmp_path, APPLICATION, one=options, other=options) as running:
        yield running


@pytest.fixture
def begin(nodes: list[FwsServer]) -> Iterator[Begin]:
    """Begins a client at one of the nodes."""
    with ExitStack() as stack:

        def client(node: int, kind: str, transports: str) -> Client:
            made = stack.enter_context(Client(kind, f"http://127.0.0.1:{nodes[node].port}", transports))
            made.wait("connect")
            return made

        yield client


def left(nodes: list[FwsServer]) -> int:
    return sum(node.printed.count("left:") for node in nodes)


@pytest.mark.parametrize("kind", ["killed", "frozen"])
def test_clients_stay_and_what_needs_no_redis_goes_on(
    redis: RedisServer, nodes: list[FwsServer], begin: Begin, kind: str
) -> None:
    one, other = begin(0, "js-4", "websocket"), begin(1, "js-4", "polling")
    leaves = begin(1, "python", "default")
    assert one.ask("say", "hall", 1) == ["said"]
    for client in (one, other, leaves):
        assert client.event() == ("said", "hall", 1)

    redis.kill() if kind == "killed" else redis.freeze()
    for node in nodes:
        wait_until(lambda node=node: ready(node)[0] == 503)
    for client in (one, other):
        # What goes over Redis is refused, and the filter is told so; the rest is done here.
        assert client.ask("say", "hall", 2) == ["refused"]
        client.emit("ignore", 3)
        assert client.ask("echo", 1, {"bytes": [1, 2]}) == [1, {"bytes": [1, 2]}]
        assert client.ask("call", "what?") == ["what?"]
        assert client.event() == ("ask", "what?")
        assert client.ask("fetch") == ["refused"]
    assert other.ask("join", "late") == [["hall", "late"]]
    comes = begin(0, "js-4", "default")
    assert comes.ask("echo", "new") == ["new"]
    leaves.emit("leave")
    wait_until(lambda: left(nodes) == 1)

    redis.start() if kind == "killed" else redis.thaw()
    for node in nodes:
        wait_until(lambda node=node: ready(node)[0] == 200)
    # Rooms are as they were, those of before and those of meanwhile; nothing comes late or twice.
    wait_until(lambda: one.ask("say", "hall", 4) == ["said"])
    assert one.ask("say", "late", 5) == ["said"]
    assert one.ask("fetch") == [1]
    for client in (one, comes):
        assert client.event() == ("said", "hall", 4)
    assert [other.event(), other.event()] == [("said", "hall", 4), ("said", "late", 5)]
    assert other.ask("say", "hall", 6) == ["said"]
    for client in (one, other, comes):
        assert client.event() == ("said", "hall", 6)
    assert left(nodes) == 1


def test_a_client_that_a_node_takes_which_dies_has_left_once(
    redis: RedisServer, nodes: list[FwsServer], begin: Begin
) -> None:
    stays, session = begin(1, "js-4", "websocket"), PollingSession(nodes[0].port, 4)
    # What a node says before it is killed.
    redis.ask("PUBLISH", "socketio::nodes", json.dumps({"do": "take", "sid": session.sid, "from": "a-node", "id": 1}))
    wait_until(lambda: left(nodes) == 1)
    assert session.answer("echo") is None
    assert stays.ask("fetch") == [0]
    assert left(nodes) == 1
