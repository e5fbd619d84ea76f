"""Recovery, with the real fws_server and npm's socket.io-client 4, by each transport and on each storage object."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.fws_server import STARTING
from tests.support.recovery_site import Site
from tests.support.redis_server import RedisServer
from tests.support.socketio_clients import TRANSPORTS, Client

PACK = ("-f", "filtered_websocket.filters.ws_emit", "--ws_emit_secret", "123", "--ws_emit_cors", "*")
RECOVERY = ("--ws_emit_recovery", "60")
STORAGES = ("memory", "sqlite", "redis")


@pytest.fixture
def site(tmp_path: Path, request: Any) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack, tmp_path, request.param, *PACK, *RECOVERY)


on = pytest.mark.parametrize
everywhere = on("site", STORAGES, indirect=True)
outlives = on("site", ["sqlite", "redis"], indirect=True)
in_memory = on("site", ["memory"], indirect=True)


@everywhere
@on("transports", TRANSPORTS)
def test_a_client_whose_connection_is_cut_gets_what_it_has_missed_once(site: Site, transports: str) -> None:
    client = site.client(transports)
    client.ask("join", {"room": "a"})
    site.emit("one")
    assert client.event() == ("one",)
    before = client.id
    for turn in range(3):
        site.lose(client)
        site.emit(f"missed {turn}")
        site.emit("elsewhere", "b")
        site.emit(f"bytes {turn}", data=[turn, "text"])
        assert site.comes_back(client)
        assert client.id == before
        assert [client.event() for _ in range(2)] == [(f"missed {turn}",), (f"bytes {turn}", [turn, "text"])]
    site.emit("last")
    assert client.event() == ("last",)
    assert client.heard("event") == []


@in_memory
@on("transports", TRANSPORTS)
def test_a_client_is_back_before_the_server_has_noticed(site: Site, transports: str) -> None:
    client = site.client(transports)
    client.ask("join", {"room": "a"})
    site.emit("one")
    client.event()
    before = client.id
    site.lose(client, silently=True)
    site.emit("into the void")
    assert site.comes_back(client)
    assert client.id == before
    assert client.event() == ("into the void",)
    site.emit("live")
    assert client.event() == ("live",)
    assert client.heard("event") == []


@in_memory
@on("transports", TRANSPORTS)
def test_the_official_test_of_the_client(site: Site, transports: str) -> None:
    """`connection state recovery` in packages/socket.io-client/test: it is closed by the client's engine."""
    client = site.client(transports)
    before = client.id
    client.command("close")
    client.wait("disconnect")
    assert site.comes_back(client)
    assert client.id == before


@on("site", ["memory", "redis"], indirect=True)
def test_a_client_that_is_back_at_once_goes_on_each_time(site: Site) -> None:
    """socketio/socket.io-redis-streams-adapter#26: there one in three fails, since the session is not stored yet."""
    client = site.client()
    client.ask("join", {"room": "a"})
    before = client.id
    for number in range(30):
        client.command("close")
        client.wait("disconnect")
        assert site.comes_back(client)
        assert client.id == before
        site.emit("n", data=number)
        assert client.event() == ("n", number)


@everywhere
def test_without_any_event_it_goes_on_and_after_a_failure_nothing_is_replayed(site: Site) -> None:
    client = site.client()
    site.lose(client)
    assert site.comes_back(client)
    client.ask("join", {"room": "a"})
    site.emit("one")
    client.event()
    assert site.counted("fws_connections{") == 1
    client.command("leave")
    client.wait("disconnect")
    site.wait_empty()
    site.emit("not for it")
    client.command("connect")
    assert not client.comes_back()
    site.emit("everybody", None)
    assert client.event() == ("everybody",)
    site.lose(client)
    assert site.comes_back(client)
    assert client.heard("event") == []


@outlives
@on("number", [signal.SIGKILL, signal.SIGTERM], ids=str)
def test_the_server_dies_and_its_clients_go_on_at_the_next(site: Site, number: signal.Signals) -> None:
    clients = [site.client("polling"), site.client("websocket"), site.client("default")]
    for client in clients:
        client.ask("join", {"room": "a"})
    site.emit("one")
    before = [(client.event(), client.id) for client in clients]
    site.replace(number)
    site.emit("two")
    for client, (_, id) in zip(clients, before, strict=True):
        client.wait("disconnect")
        assert site.comes_back(client)
        assert client.id == id
        assert client.event() == ("two",)
    site.emit("three")
    for client in clients:
        assert client.event() == ("three",)
        assert client.heard("event") == []


@on("site", ["redis"], indirect=True)
def test_a_rolling_restart_under_load_loses_nothing(site: Site) -> None:
    """Two servers, one emits; the other, which has the clients, is replaced three times."""
    clients = [site.client(transports) for transports in TRANSPORTS]
    for client in clients:
        client.ask("join", {"room": "a"})
    emitter = site.start()
    sent = 0
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
        for _ in range(5):
            site.emit("n", server=emitter, data=sent)
            sent += 1
        old, site.server = site.server, site.start()
        site.proxy.target = site.server.port
        old.signal(number)
        for _ in range(5):
            site.emit("n", server=emitter, data=sent)
            sent += 1
        old.wait()
        for client in clients:
            client.wait("disconnect")
            assert site.comes_back(client)
    for client in clients:
        assert [client.event() for _ in range(sent)] == [("n", number) for number in range(sent)]
        assert client.heard("event") == []


@on("site", ["redis"], indirect=True)
@on("transports", TRANSPORTS)
def test_it_comes_back_to_the_other_node_half_open_or_not(site: Site, transports: str) -> None:
    client = site.client(transports)
    client.ask("join", {"room": "a"})
    other = site.start()
    nodes = [site.server, other]
    for turn in range(4):
        site.proxy.target = nodes[(turn + 1) % 2].port
        site.lose(client, silently=turn > 1)
        site.emit(f"missed {turn}", server=nodes[turn % 2])
        assert site.comes_back(client)
        assert client.event() == (f"missed {turn}",)
        site.emit(f"live {turn}", server=nodes[turn % 2])
        assert client.event() == (f"live {turn}",)
    assert client.heard("event") == []


@on("site", ["redis"], indirect=True)
def test_redis_dies_with_its_file_and_comes_back_and_nobody_loses_what_was_confirmed(site: Site) -> None:
    assert site.redis is not None
    client = site.client()
    client.ask("join", {"room": "a"})
    site.emit("one")
    assert client.event() == ("one",)
    site.redis.kill()
    site.redis.start()
    site.emit_when_ready("two")
    assert client.event() == ("two",)
    site.lose(client)
    site.emit("three")
    assert site.comes_back(client)
    assert client.event() == ("three",)
    site.replace(signal.SIGKILL)
    client.wait("disconnect")
    assert site.comes_back(client)
    assert client.heard("event") == []


@on("site", ["redis"], indirect=True)
def test_a_client_that_comes_back_while_redis_is_away_waits_for_it(site: Site) -> None:
    assert site.redis is not None
    client = site.client()
    client.ask("join", {"room": "a"})
    site.emit("one")
    client.event()
    site.lose(client)
    site.emit("two")
    site.redis.kill()
    site.proxy.mend()
    site.server.wait_for("the storage object is away")
    site.redis.start()
    assert site.comes_back(client)
    assert client.event() == ("two",)
    site.emit_when_ready("three")
    assert client.event() == ("three",)


@on("site", ["redis"], indirect=True)
def test_workers_that_are_replaced_lose_nothing(site: Site) -> None:
    """SIGUSR2 while events go out: clients come back to other workers, and those have what was missed."""
    site.options += ["--workers", "2"]
    site.replace(signal.SIGTERM)
    clients = [site.client(transports) for transports in TRANSPORTS]
    for client in clients:
        client.ask("join", {"room": "a"})
    site.server.signal(signal.SIGUSR2)
    for worker in (0, 1):
        for number in range(50):
            site.emit("n", data=[worker, number])
        site.server.wait_for(f"worker {worker} is replaced", STARTING)
    site.emit("last")
    expected = [("n", [worker, number]) for worker in (0, 1) for number in range(50)]
    for client in clients:
        assert [client.event() for _ in expected] == expected
        assert client.event() == ("last",)
        assert all(line["recovered"] for line in client.heard("connect"))


def test_a_redis_that_comes_back_empty_is_told(tmp_path: Path) -> None:
    with ExitStack() as stack:
        site = Site(stack, tmp_path, "memory", *PACK, *RECOVERY)
        redis = stack.enter_context(RedisServer(tmp_path / "redis"))
        site.options += ["--storage", "redis", "--redis_url", redis.url]
        site.replace(signal.SIGTERM)
        client = site.client()
        client.ask("join", {"room": "a"})
        site.emit("one")
        client.event()
        redis.kill()
        redis.start()
        site.emit_when_ready("two", None)
        # Nobody knows what it has missed, so it was put out, without being asked.
        client.wait("disconnect")
        assert not client.comes_back()


@in_memory
def test_bounds_end_it(site: Site) -> None:
    site.options += ["--ws_emit_recovery_events", "10", "--ws_emit_recovery_log", "64k"]
    site.replace(signal.SIGTERM)
    client, idle = site.client(), site.client()
    client.ask("join", {"room": "a"})
    site.lose(client, idle)
    for number in range(10):
        site.emit(str(number))
    for each in (client, idle):
        assert site.comes_back(each)
    assert len([client.event() for _ in range(10)]) == 10
    site.lose(client)
    for number in range(11):
        site.emit(str(number))
    assert not site.comes_back(client)
    assert client.heard("event") == []
    assert site.counted("too many") == 1


@on("site", ["redis"], indirect=True)
def test_foreign_programs_emit_while_it_is_away_and_each_event_comes_once_on_two_nodes(site: Site) -> None:
    """What RedisManager writes; both nodes hear it, and append it once."""
    assert site.redis is not None
    other = site.start()
    client, second = site.client(), site.client()
    site.proxy.target = other.port
    third = site.client()
    for each in (client, second, third):
        each.ask("join", {"room": "a"})

    def say(**message: Any) -> None:
        assert site.redis is not None
        site.redis.ask("PUBLISH", "flask-socketio", json.dumps({"namespace": "/", **message}))

    for number in range(20):
        say(method="emit", event="n", data=number, room="a")
    site.lose(client, second, third)
    for number in range(20, 40):
        say(method="emit", event="n", data=number, room="a")
    say(method="close_room", room="a")
    say(method="emit", event="closed", data=None, room="a")
    say(method="emit", event="n", data=40, room=None)
    for each in (client, second, third):
        assert site.comes_back(each)
        assert [each.event() for _ in range(41)] == [("n", number) for number in range(41)]
        assert each.heard("event") == []


@on("site", ["redis"], indirect=True)
def test_after_all_were_away_what_programs_said_meanwhile_is_a_hole(site: Site) -> None:
    assert site.redis is not None
    client = site.client()
    client.ask("join", {"room": "a"})
    message = {"method": "emit", "event": "n", "data": 1, "room": "a", "namespace": "/"}
    site.redis.ask("PUBLISH", "flask-socketio", json.dumps(message))
    assert client.event() == ("n", 1)
    site.server.signal(signal.SIGKILL)
    site.server.wait()
    site.redis.ask("PUBLISH", "flask-socketio", json.dumps(message | {"data": 2}))
    site.server = site.start()
    site.proxy.target = site.server.port
    client.wait("disconnect")
    assert not client.comes_back()
    assert site.counted("ws_emit: hole") == 1
    site.lose(client)
    assert site.comes_back(client)


@on("site", ["redis"], indirect=True)
def test_an_emission_reaches_servers_beside_us_that_do_not_read_the_log(site: Site) -> None:
    plain = site.start("--ws_emit_recovery", "0")
    client = site.client()
    site.proxy.target = plain.port
    beside = site.client()
    site.emit("n", None)
    assert client.event() == beside.event() == ("n",)
    site.emit("m", None, server=plain)
    assert client.event() == beside.event() == ("m",)
    assert client.heard("event") == beside.heard("event") == []


@in_memory
def test_python_socketios_client_says_that_it_does_not_know_it(site: Site) -> None:
    with Client("python", f"http://127.0.0.1:{site.server.port}?recovery=0") as client:
        client.wait("connect")
        site.emit("n", None, data="text")
        assert client.event() == ("n", "text")


@in_memory
@on("options", [{"query": {"recovery": "0"}}, {}])
def test_clients_that_do_not_want_it_see_nothing_of_it(site: Site, options: Any) -> None:
    if not options:
        site.options.append("--ws_emit_recovery_asked")
        site.replace(signal.SIGTERM)
    client = site.client(**options)
    site.emit("n", None, data="text")
    line = client.wait("event")
    assert (line["args"], line["got"]) == (["text"], 1)
    client.command("offset")
    assert "pid" not in client.wait("offset")
    site.lose(client)
    assert not site.comes_back(client)
