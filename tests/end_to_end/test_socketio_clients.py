"""The real fws_server with an application of Socket.IO, and clients that people use, by each transport they have."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.fws_server import FwsServer
from tests.support.redis_server import RedisServer
from tests.support.socketio_clients import NODE, PYTHON, TRANSPORTS, Client

Connect = Callable[..., Client]
KINDS = [*NODE, *PYTHON]
APPLICATION = """
from filtered_websocket.errors import Reject
from filtered_websocket.filters.socketio import SocketIOConnectFilter, SocketIOEventFilter


class Enter(SocketIOConnectFilter):
    namespace = ("/", "/chat", "/closed")

    @classmethod
    def filter(cls, socket, auth):
        if socket.namespace == "/closed":
            raise Reject(403, "closed", data={"until": 9})
        socket.join("all")
        socket.emit("entered", socket.namespace)


class Echo(SocketIOEventFilter):
    event = "echo"
    namespace = ("/", "/chat")

    @classmethod
    def filter(cls, socket, *arguments):
        socket.emit("echoed", *arguments)
        return arguments


class Call(SocketIOEventFilter):
    event = "call"

    @classmethod
    async def filter(cls, socket, *arguments):
        return tuple(await socket.call("ask", *arguments, timeout=30))


class Say(SocketIOEventFilter):
    event = "say"
    namespace = ("/", "/chat")

    @classmethod
    def filter(cls, socket, number):
        socket.to("all").emit("said", number)
"""


@pytest.fixture(scope="module", params=["memory", "workers"])
def server(request: Any, tmp_path_factory: Any) -> Iterator[FwsServer]:
    """One process, and two workers on a Redis: no request finds its session by being sticky."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "application.py").write_text(APPLICATION)
    options = ["--socketio_eio3", "--socketio_cors", "*"]
    with ExitStack() as stack:
        if request.param == "workers":
            redis = stack.enter_context(RedisServer(tmp_path_factory.mktemp("redis")))
            options += ["--workers", "2", "--storage", "redis", "--redis_url", redis.url]
        yield stack.enter_context(FwsServer("-f", "application", *options, cwd=folder))


@pytest.fixture
def connect(server: FwsServer) -> Iterator[Connect]:
    with ExitStack() as stack:

        def begin(kind: str, transports: str = "default", namespace: str = "") -> Client:
            return stack.enter_context(Client(kind, f"http://127.0.0.1:{server.port}{namespace}", transports))

        yield begin


@pytest.mark.parametrize("transports", TRANSPORTS)
@pytest.mark.parametrize("kind", KINDS)
def test_events_and_acknowledgements_go_both_ways_with_bytes(connect: Connect, kind: str, transports: str) -> None:
    client = connect(kind, transports)
    client.wait("connect")
    assert client.event() == ("entered", "/")
    sent = (1, "é😀", {"a": [{"bytes": [1, 2, 255]}, None]}, {"bytes": [0]})
    assert client.ask("echo", *sent) == [*sent]
    assert client.event() == ("echoed", *sent)
    if kind in NODE:
        assert client.ask("call", "x", {"bytes": [7]}) == ["x", {"bytes": [7]}]


@pytest.mark.parametrize("kind", NODE)
def test_a_namespace_of_its_own_and_one_that_lets_nobody_in(connect: Connect, kind: str) -> None:
    client, other = connect(kind, namespace="/chat"), connect(kind)
    for each in (client, other):
        each.wait("connect")
        each.event()
    assert client.ask("echo", {"bytes": [1]}) == [{"bytes": [1]}]
    assert connect(kind, namespace="/closed").wait("error")["message"] in ("closed", "[object Object]")
    assert connect(kind, namespace="/nowhere").wait("error")["message"] == "Invalid namespace"


@pytest.mark.parametrize("kind", NODE)
def test_nothing_is_lost_or_reordered_while_clients_upgrade(connect: Connect, kind: str) -> None:
    speaker = connect(kind, "websocket")
    speaker.wait("connect")
    listener = connect(kind)
    listener.wait("connect")
    assert listener.event() == ("entered", "/")
    for number in range(300):
        speaker.emit("say", number)
    listener.wait("upgrade")
    assert [listener.event() for _ in range(300)] == [("said", number) for number in range(300)]
