"""The real fws_server with an application of Socket.IO, and clients that people use, by each transport they have."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.support.fws_server import STARTING, FwsServer
from tests.support.redis_server import RedisServer
from tests.support.socketio_clients import NODE, PYTHON, TRANSPORTS, Client

Connect = Callable[..., Client]
KINDS = [*NODE, *PYTHON]
SECRET = "the admin secret"
APPLICATION = """
from filtered_websocket.errors import Reject
from filtered_websocket.filters.base import WebSocketHandshakeFilter
from filtered_websocket.filters.socketio import SocketIOConnectFilter, SocketIOEventFilter


class Named(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, connection, data):
        connection.user = data.params.get("user", [None])[0]


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
    options = ["--socketio_eio3", "--socketio_cors", "*", "--admin_secret", SECRET]
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


@pytest.mark.parametrize("kind", ["js-4", "python"])
def test_a_trace_shows_a_client_and_its_event_filters_while_it_polls_and_on_its_websocket(
    request: Any, server: FwsServer, kind: str
) -> None:
    processes = 2 if request.node.callspec.params["server"] == "workers" else 1
    url = f"http://127.0.0.1:{server.port}/trace?user=ann-{kind}"
    asked = Request(url, headers={"Authorization": f"Bearer {SECRET}"})
    begun = 0
    with ExitStack() as stack:
        while begun < processes:  # workers that have just started know of each other a moment later
            trace = stack.enter_context(urlopen(asked, timeout=STARTING))
            events = (json.loads(line[6:]) for line in trace if line.startswith(b"data: "))
            begun = len(next(events)["processes"])
        with Client(kind, f"http://127.0.0.1:{server.port}/?user=ann-{kind}") as client:
            client.wait("connect")
            client.event()
            if kind in NODE:
                client.wait("upgrade")
            assert client.ask("echo", "once") == ["once"]
        told: list[dict[str, Any]] = []
        while not {"moved", "closed"} <= {each["what"] for each in told}:
            told.append(next(events))
    told.sort(key=lambda each: float(each["time"]))  # each process sends its own together
    whole = [(each["what"], each.get("event"), each.get("filter"), each.get("transport")) for each in told]
    assert [each[3] for each in whole if each[0] == "opened"] == ["polling", "websocket"]
    assert [each[0] for each in whole].count("moved") == 1
    steps = [each[1:3] for each in whole if each[1] is not None and each[1].startswith("socketio")]
    assert steps == [("socketio connect", "application.Enter"), ("socketio event", "application.Echo")]
    assert ("filter", "handshake", "application.Named", None) in whole
    assert len({each["id"] for each in told}) == 1
    said = [each["payload"] for each in told if each["what"] in ("received", "sent")]
    assert sum("once" in each for each in said) == 3, "the event, what its filter emits, and the acknowledgement"
