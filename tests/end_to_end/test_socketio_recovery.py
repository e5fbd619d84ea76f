"""Recovery of an application of Socket.IO, with the real fws_server, npm's socket.io-client 4 and others' programs."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.recovery_site import Site
from tests.support.socketio_clients import TRANSPORTS
from tests.support.socketio_managers import GENERATIONS, call
from tests.support.socketio_node_emitter import emit_by_node

APPLICATION = """
from filtered_websocket.filters.socketio import SocketIOConnectFilter, SocketIOEventFilter, namespace


class Enter(SocketIOConnectFilter):
    namespace = ("/", "/chat")

    @classmethod
    def filter(cls, socket, auth):
        if not socket.recovered:
            socket.join("hall")
        socket.data["times"] = socket.data.get("times", 0) + 1
        socket.emit("entered", socket.recovered, socket.data["times"], sorted(socket.rooms - {socket.id}))


class Do(SocketIOEventFilter):
    namespace = ("/", "/chat")

    @classmethod
    async def filter(cls, socket, *arguments):
        if socket.event == "join":
            socket.join(*arguments)
        elif socket.event == "say":
            namespace(socket.connection.pipeline, socket.namespace).to("hall").emit("said", *arguments)
        elif socket.event == "tell":
            socket.emit("told", *arguments)
        elif socket.event == "ask":
            return await socket.call("asked", "text", timeout=30)
        return "done"
"""
OPTIONS = ("-f", "application", "--socketio_cors", "*", "--socketio_recovery", "60", "--socketio_pickle")


class Application(Site):
    """A site with this application; `voice` is a client that says what others miss, by a way that does not fail."""

    def __init__(self, stack: ExitStack, folder: Path, storage: str, *options: str) -> None:
        super().__init__(stack, folder, storage, *OPTIONS, *options, files={"application.py": APPLICATION})
        self.namespace = ""

    def say(self, *arguments: Any) -> None:
        with self.direct(self.namespace) as voice:
            assert voice.ask("say", *arguments) == ["done"]


@pytest.fixture
def site(tmp_path: Path, request: Any) -> Iterator[Application]:
    with ExitStack() as stack:
        yield Application(stack, tmp_path, request.param)


on = pytest.mark.parametrize


@on("site", ["memory", "sqlite", "redis"], indirect=True)
@on("transports", TRANSPORTS)
@on("namespace", ["", "/chat"])
def test_it_goes_on_with_its_rooms_and_data_and_what_it_missed(
    site: Application, transports: str, namespace: str
) -> None:
    site.namespace = namespace
    client = site.client(transports, namespace)
    assert client.event() == ("entered", False, 1, ["hall"])
    assert client.ask("join", "side") == ["done"]
    before = client.id
    for turn in range(2, 4):
        site.lose(client, silently=turn == 3)
        site.say("missed", turn)
        assert site.comes_back(client)
        assert client.id == before
        assert client.event() == ("said", "missed", turn)
        assert client.event() == ("entered", True, turn, ["hall", "side"])
        assert client.ask("tell", turn) == ["done"]
        assert client.event() == ("told", turn)
    assert client.heard("event") == []


@on("site", ["sqlite", "redis"], indirect=True)
@on("number", [signal.SIGKILL, signal.SIGTERM], ids=str)
def test_its_server_dies(site: Application, number: signal.Signals) -> None:
    client = site.client()
    assert client.event() == ("entered", False, 1, ["hall"])
    client.ask("join", "side")
    client.ask("tell", 1)
    assert client.event() == ("told", 1)
    site.replace(number)
    client.wait("disconnect")
    assert site.comes_back(client)
    assert client.event() == ("entered", True, 2, ["hall", "side"])
    assert client.heard("event") == []


@on("site", ["redis"], indirect=True)
@on("generation", ["5.13, a pickle", "newest"])
def test_what_managers_order_while_it_is_away_is_done_once_by_two_nodes(site: Application, generation: str) -> None:
    other = site.start()
    client = site.client()
    site.proxy.target = other.port
    second = site.client()
    sids = [client.id, second.id]
    for each in (client, second):
        each.event()
    site.lose(client, second)

    def emits(event: str, **more: Any) -> list[Any]:
        return ["emit", {"data": event, "namespace": "/", "event": "n"} | more]

    assert site.redis is not None
    with site.direct(server=other) as witness:
        call(
            GENERATIONS[generation],
            site.redis,
            "default",
            *(emits(str(number)) for number in range(10)),
            ["enter_room", {"sid": sids[0], "namespace": "/", "room": "entered"}],
            emits("to those that entered", room="entered"),
            emits("to the others", skip_sid=sids[0]),
            ["close_room", {"room": "hall", "namespace": "/"}],
            emits("to the hall", room="hall"),
            emits("last"),
        )
        witness.wait("event", args=["last"])  # what comes later comes behind `entered`
    own = ["to those that entered"], ["to the others"]
    for each, mine in zip((client, second), own, strict=True):
        assert site.comes_back(each)
        expected = [*map(str, range(10)), *mine, "last"]
        assert [each.event() for _ in expected] == [("n", text) for text in expected]
        assert each.event()[:2] == ("entered", True)
        assert each.heard("event") == []


@on("site", ["redis"], indirect=True)
def test_what_nodes_emitter_says_while_it_is_away_comes_once_by_two_nodes(tmp_path: Path, site: Application) -> None:
    site.options += ["--socketio_node_channel", "socket.io"]
    site.replace(signal.SIGTERM)
    site.start()
    client = site.client("websocket", "/chat")
    client.event()
    site.lose(client)
    assert site.redis is not None
    calls = [
        [["of", "/chat"], ["to", "hall"], ["emit", "one", {"bytes": [0, 255]}]],
        [["of", "/chat"], ["in", "hall"], ["socketsJoin", "side"]],
        [["of", "/chat"], ["to", "side"], ["emit", "two"]],
        [["of", "/chat"], ["volatile"], ["emit", "lost"]],
        [["of", "/chat"], ["in", "side"], ["socketsLeave", "hall"]],
        [["of", "/chat"], ["to", "hall"], ["emit", "left"]],
        [["emit", "elsewhere"]],
    ]
    with site.direct() as witness:
        emit_by_node(site.redis, *calls)
        witness.wait("event", event="elsewhere")
    assert site.comes_back(client)
    assert client.event() == ("one", {"bytes": [0, 255]})
    assert client.event() == ("two",)
    assert client.event() == ("entered", True, 2, ["side"])
    assert client.heard("event") == []


@on("site", ["redis"], indirect=True)
def test_an_acknowledgement_comes_behind_what_its_filter_has_emitted(site: Application) -> None:
    client = site.client()
    client.event()
    for number in range(50):
        client.ask("tell", number)
        # It has come before the acknowledgement, or the program would say it later.
        assert [line["args"] for line in client.heard("event")] == [[number]]
