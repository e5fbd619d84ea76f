"""The channel flask-socketio as programs of every generation write it, and several servers on one Redis."""

import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.deadlines import limited
from tests.support.fws_server import FwsServer
from tests.support.http_client import Answer, ask
from tests.support.lines import TESTS
from tests.support.malicious_pickle import Malicious
from tests.support.raw_client import DEADLINE, wait_until
from tests.support.redis_server import RedisServer
from tests.support.socketio_clients import NODE, PYTHON, TRANSPORTS, Client, python_path
from tests.support.socketio_managers import GENERATIONS, call

PACK = ("-f", "filtered_websocket.filters.ws_emit", "--storage", "redis")
Serve = Callable[..., FwsServer]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis", tcp=True) as running:
        yield running


@pytest.fixture
def serve(tmp_path: Path, redis: RedisServer) -> Iterator[Serve]:
    with ExitStack() as stack:

        def begin(*options: str) -> FwsServer:
            folder = tmp_path / f"server {len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            given = [*PACK, "--redis_url", redis.url, "--ws_emit_secret", "123", *options]
            return stack.enter_context(FwsServer(*given, cwd=folder))

        yield begin


@pytest.fixture
def connect() -> Iterator[Callable[..., Client]]:
    with ExitStack() as stack:

        def begin(server: FwsServer | int, kind: str = "js-4", transports: str = "default") -> Client:
            port = server if isinstance(server, int) else server.port
            return stack.enter_context(Client(kind, f"http://127.0.0.1:{port}", transports))

        yield begin


def emit(server: FwsServer, **body: Any) -> Answer:
    return ask(
        ("127.0.0.1", server.port), "POST", "/emit", {"secret": "123"} | body, {"Content-Type": "application/json"}
    )


def publish(redis: RedisServer, data: bytes) -> None:
    assert redis.ask("PUBLISH", "flask-socketio", data).startswith(b":")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_what_managers_of_each_generation_emit_is_delivered(
    serve: Serve, redis: RedisServer, connect: Any, generation: str
) -> None:
    client = connect(serve("--ws_emit_pickle"))
    sid = client.wait("connect")["id"]
    client.ask("join", {"room": "time"})
    packages = GENERATIONS[generation]
    calls = [
        {"event": "a", "data": {"time": 1}, "room": "time"},
        {"event": "b", "data": "to it alone", "room": sid},
        {"event": "c", "data": {"skipped": True}, "skip_sid": sid},
        {"event": "d", "data": {"tuple": [1, [2]]}},
        {"event": "e", "data": None},
        {"event": "f", "data": {"in": {"bytes": [0, 255]}}},
        {"event": "g", "data": {"list": [1, 2]}, "namespace": "/other"},
        {"event": "h", "data": "é😀", "namespace": "/"},
    ]
    if generation.startswith("5.14"):
        calls[5] = {"event": "f", "data": {"in": "no bytes in its JSON"}}
        calls[3] = {"event": "d", "data": "its JSON knows no tuple"}
    call(packages, redis, "manager", *(["emit", each] for each in calls))
    assert client.event() == ("a", {"time": 1})
    assert client.event() == ("b", "to it alone")
    assert client.event() == (("d", 1, [2]) if "5.14" not in generation else ("d", "its JSON knows no tuple"))
    assert client.event() == ("e",)
    assert client.event() == (
        ("f", {"in": {"bytes": [0, 255]}}) if "5.14" not in generation else ("f", {"in": "no bytes in its JSON"})
    )
    assert client.event() == ("h", "é😀")
    call(packages, redis, "manager", ["enter_room", {"sid": sid, "namespace": "/", "room": "entered"}])
    call(
        packages,
        redis,
        "manager",
        ["emit", {"event": "i", "data": 1, "room": "entered"}],
        ["close_room", {"room": "time"}],
    )
    call(
        packages,
        redis,
        "manager",
        ["emit", {"event": "j", "data": 1, "room": "time"}],
        ["emit", {"event": "k", "data": 1}],
    )
    assert [client.event()[0] for _ in range(2)] == ["i", "k"]
    # As its `disconnect` would, which wants a server beside the manager.
    call(
        packages,
        redis,
        "manager",
        ["_publish", {"data": {"method": "disconnect", "sid": sid, "namespace": "/", "host_id": "x"}}],
    )
    assert client.wait("disconnect")["reason"] == "io server disconnect"


@pytest.mark.parametrize("generation", GENERATIONS)
def test_a_flask_application_emits(serve: Serve, redis: RedisServer, connect: Any, generation: str) -> None:
    client = connect(serve("--ws_emit_pickle"))
    client.wait("connect")
    client.ask("join", {"room": "time"})
    calls = [{"event": "update", "data": {"time": 1}, "to": "time"}, {"event": "all"}]
    call(GENERATIONS[generation], redis, "flask", *(["emit", each] for each in calls))
    assert client.event() == ("update", {"time": 1})
    assert client.event() == ("all",)


def test_bytes_are_delivered_whatever_protocol_a_pickle_is_of(serve: Serve, redis: RedisServer, connect: Any) -> None:
    client = connect(serve("--ws_emit_pickle"))
    client.wait("connect")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        for data in (b"x\xff", bytearray(b"x\xff"), {"empty": [b"", bytearray()]}):
            wanted = {"method": "emit", "event": "e", "namespace": "/", "data": data}
            publish(redis, pickle.dumps(wanted, protocol))
        x, empty = {"bytes": [120, 255]}, {"bytes": []}
        assert [client.event() for _ in range(3)] == [("e", x), ("e", x), ("e", {"empty": [empty, empty]})]


@pytest.mark.parametrize("transports", TRANSPORTS)
@pytest.mark.parametrize("kind", [*NODE, *PYTHON])
def test_bytes_go_to_every_stock_client_and_come_from_it_on_every_transport(
    serve: Serve, redis: RedisServer, connect: Any, kind: str, transports: str
) -> None:
    client = connect(serve("--ws_emit_eio3", "--ws_emit_cors", "*"), kind, transports)
    client.wait("connect")
    assert client.ask("dance", {"bytes": [*range(256)]}, "é", {"bytes": []}) == []
    assert client.ask("join", {"room": "a"}) == []
    sent = [{"bytes": [*range(256)] * 300}, "é😀", {"bytes": [4]}]
    call(GENERATIONS["newest"], redis, "manager", ["emit", {"event": "b", "data": {"tuple": sent}, "room": "a"}])
    assert client.event() == ("b", *sent)
    call(GENERATIONS["newest"], redis, "manager", ["emit", {"event": "last", "data": "x"}])
    assert client.event() == ("last", "x")


@pytest.mark.parametrize("transports", ["polling", "websocket"])
@pytest.mark.parametrize("kind", ["js-4", "js-2", "python", "python-4"])
def test_events_of_any_size_reach_a_stock_client_that_goes_on_reading(
    serve: Serve, redis: RedisServer, connect: Any, kind: str, transports: str
) -> None:
    options = ["--ws_emit_eio3", "--ws_emit_cors", "*", "--ws_emit_pickle", "--send_buffer", "65536"]
    client = connect(serve(*options), kind, transports)
    client.wait("connect")
    sent = ["before", "x" * 3_000_000, "behind", "y" * 1_200_000]
    if transports == "websocket":
        sent.pop()  # `send_buffer` bounds what waits behind the large one
    for data in sent:
        wanted = {"method": "emit", "event": "e", "namespace": "/", "data": data}
        publish(redis, pickle.dumps(wanted) if data[0] == "y" else json.dumps(wanted).encode())
    # python-socketio hands each event to a thread of its own.
    assert sorted(client.event()[1] for _ in sent) == sorted(sent)


def test_a_malicious_pickle_runs_nothing_is_counted_and_logged_and_the_next_message_is_delivered(
    serve: Serve, redis: RedisServer, connect: Any, tmp_path: Path
) -> None:
    server = serve("--ws_emit_pickle")
    client = connect(server)
    client.wait("connect")
    wanted = {"method": "emit", "event": "e", "namespace": "/", "data": Malicious(tmp_path / "ran")}
    for data in (
        pickle.dumps(Malicious(tmp_path / "ran")),
        pickle.dumps(wanted),
        pickle.dumps(wanted, 0),
        b"5",
        b"\xff",
    ):
        publish(redis, data)
    publish(redis, pickle.dumps(wanted | {"data": "the next"}))
    assert client.event() == ("e", "the next")
    assert not (tmp_path / "ran").exists()
    server.wait_for(r"dropped: ws_emit: unreadable on the bus \(.*which plain values do not need")
    metrics = ask(("127.0.0.1", server.port), "GET", "/metrics").body.decode()
    (line,) = [each for each in metrics.splitlines() if "ws_emit: unreadable on the bus" in each]
    assert line.endswith(" 5.0")


def test_a_pickle_is_not_even_looked_at_without_the_option(serve: Serve, redis: RedisServer, connect: Any) -> None:
    server = serve()
    client = connect(server)
    client.wait("connect")
    publish(redis, pickle.dumps({"method": "emit", "event": "pickled", "namespace": "/", "data": 1}))
    emit(server, event="last")
    assert client.event() == ("last",)
    server.wait_for(r"pickles are read with ws_emit_pickle")


def test_pipelines_on_one_redis_are_isolated_and_a_flask_application_reaches_the_one_that_is_named(
    tmp_path: Path, redis: RedisServer
) -> None:
    pack = "filtered_websocket.filters.ws_emit"
    pipelines = {"/a/*": {"filters": [pack], "ws_emit_secret": "a"}, "/b/*": {"filters": [pack], "ws_emit_secret": "b"}}
    options = ["--storage", "redis", "--redis_url", redis.url, "--pipelines", json.dumps(pipelines)]
    uri = "/socket.io/?EIO=4&transport=websocket"
    with ExitStack() as stack:
        servers = []
        for number, more in enumerate(([], ["--ws_emit_pipeline", "/b/*"])):
            (tmp_path / str(number)).mkdir()
            servers.append(stack.enter_context(FwsServer(*options, *more, cwd=tmp_path / str(number))))
        unsaid = "reach no client: say with ws_emit_pipeline which of /a/\\*, /b/\\* they are to emit to"
        assert len(re.findall(unsaid, servers[0].log)) == 1
        assert not re.findall(unsaid, servers[1].log)
        clients = {}
        for server in servers:
            for name in ("/a", "/b"):
                clients[server, name] = client = server.open(name + uri)
                client.send("40", '420["join",{"room":"r"}]')
                assert [client.text()[:2] for _ in range(3)] == ["0{", "40", "43"]
        body = {"event": "e", "room": "r", "data": "of a", "secret": "a"}
        sent = ask(("127.0.0.1", servers[0].port), "POST", "/a/emit", body, {"Content-Type": "application/json"})
        assert sent.body == b"OK\n"
        call(GENERATIONS["newest"], redis, "flask", ["emit", {"event": "f", "data": "flask", "room": "r"}])
        for server in servers:
            for name, secret in (("/a", "a"), ("/b", "b")):
                body = {"event": "last", "secret": secret}
                ask(("127.0.0.1", server.port), "POST", f"{name}/emit", body, {"Content-Type": "application/json"})
        heard = {key: [each[2:] for each in heard_until(client, 2)] for key, client in clients.items()}
        last = ['["last"]'] * 2
        assert heard[servers[0], "/a"] == ['["e","of a"]', *last]
        assert heard[servers[0], "/b"] == last
        assert heard[servers[1], "/a"] == ['["e","of a"]', *last]
        assert heard[servers[1], "/b"] == ['["f","flask"]', *last]


def heard_until(client: Any, lasts: int) -> list[str]:
    """What a client hears until it has heard "last" so often."""
    heard: list[str] = []
    while heard.count('42["last"]') < lasts:
        heard.append(client.text())
    return heard


def test_a_session_of_one_pipeline_is_nobodys_in_another_on_any_node(tmp_path: Path, redis: RedisServer) -> None:
    pipelines = {name: ["filtered_websocket.filters.ws_emit"] for name in ("/a/*", "/b/*")}
    options = ["--storage", "redis", "--redis_url", redis.url, "--pipelines", json.dumps(pipelines)]
    with ExitStack() as stack:
        ports = []
        for number in range(2):
            (tmp_path / str(number)).mkdir()
            ports.append(stack.enter_context(FwsServer(*options, cwd=tmp_path / str(number))).port)
        uri = "/socket.io/?EIO=4&transport=polling"
        sid = json.loads(ask(("127.0.0.1", ports[0]), "GET", f"/a{uri}").body[1:])["sid"]
        for port in ports:
            assert ask(("127.0.0.1", port), "POST", f"/b{uri}&sid={sid}", b"40").status == 400
            assert ask(("127.0.0.1", port), "POST", f"/a{uri}&sid={sid}", b"40").body == b"ok"
        assert ask(("127.0.0.1", ports[0]), "POST", f"/a{uri}&sid={sid}", b"1").body == b"ok"


def test_rooms_with_a_secret_ask_redis_for_it(serve: Serve, redis: RedisServer, connect: Any) -> None:
    redis.ask("SET", "ws-emit::room_secret::news", "pass")
    redis.ask("SET", "ws-emit::secret::news", "not this")
    redis.ask("SET", "ws-emit::secret::old", "word")
    redis.ask("SET", "ws-emit::room_secret::empty", "")
    redis.ask("SADD", "ws-emit::room_secret::set", "pass")
    server = serve("--ws_emit_room_secrets", '{"ours": "own"}')
    client = connect(server)
    client.wait("connect")
    wanted = {
        "news::a": "pass", "news::b": "not this", "news::c": "", "old::a": "word", "old::b": "pass", "none::a": "pass",
        "empty::a": "", "ours::a": "own", "ours::b": "pass",
    }  # fmt: skip
    for room, secret in wanted.items():
        assert client.ask("join", {"room": room, "secret": secret}) == []
    for room in wanted:
        emit(server, event="in", room=room, data=room)
    emit(server, event="last")
    assert [client.event()[-1] for _ in range(4)] == ["news::a", "old::a", "ours::a", "last"]


def test_servers_and_an_original_beside_them_each_deliver_once(serve: Serve, redis: RedisServer, connect: Any) -> None:
    one, other = serve(), serve()
    original = subprocess.Popen(
        [sys.executable, str(TESTS / "python" / "socketio_server.py"), f"redis://127.0.0.1:{redis.port}/0"],
        env=os.environ | python_path("socketio"),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert original.stdout is not None
        with limited(original):
            port = int(original.stdout.readline())
        clients = [connect(one), connect(other), connect(port)]
        for client in clients:
            client.wait("connect")
        clients[0].ask("join", {"room": "a"})
        clients[1].ask("join", {"room": "a"})
        clients[2].ask("join", {"room": "a"})
        # The original listens some time after it serves.
        wait_until(lambda: int(redis.ask("PUBSUB", "NUMSUB", "flask-socketio").split(b":")[-1]) == 3)
        for server in (one, other):
            assert emit(server, event="e", room="a", data=[server.port]).status == 200
        emit(one, event="last", room="a")
        for client in clients:
            events = [client.event() for _ in range(3)]
            assert events == [("e", [one.port]), ("e", [other.port]), ("last",)]
    finally:
        original.kill()
        original.communicate(timeout=DEADLINE)


def test_emissions_go_on_by_themselves_when_redis_comes_back(serve: Serve, redis: RedisServer, connect: Any) -> None:
    server = serve()
    client, polling = connect(server), connect(server, transports="polling")
    for each in (client, polling):
        each.wait("connect")
        each.ask("join", {"room": "a"})
    health = ("127.0.0.1", server.port)
    assert ask(health, "GET", "/health/ready").status == 200
    redis.kill()
    wait_until(lambda: ask(health, "GET", "/health/ready").status == 503)
    assert emit(server, event="lost", room="a").status == 503
    client.emit("join", {"room": "space::waits", "secret": "pass"})
    redis.start()
    redis.ask("SET", "ws-emit::room_secret::space", "pass")
    wait_until(lambda: ask(health, "GET", "/health/ready").status == 200)
    assert emit(server, event="again", room="a").status == 200
    assert client.event() == polling.event() == ("again",)
    client.ask("leave", {"room": "a"})
    emit(server, event="waited", room="space::waits")
    assert client.event() == ("waited",)
