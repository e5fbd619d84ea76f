"""The Centrifugo pack with the clients that people use, over each transport and in both encodings, on each storage."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.centrifugo_clients import KINDS, OPTIONS, Api, Client
from tests.support.channel_servers import STORAGES, running, storage_options
from tests.support.fws_server import FwsServer
from tests.support.raw_client import DEADLINE, wait_until

Connect = Callable[..., Client]


@pytest.fixture(scope="module", params=STORAGES)
def server(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FwsServer]:
    folder = tmp_path_factory.mktemp("centrifugo")
    with storage_options(request.param, folder) as storage, running(folder, **OPTIONS, **storage) as server:
        yield server


@pytest.fixture(scope="module")
def api(server: FwsServer) -> Iterator[Api]:
    with Api(server) as api:
        yield api


@pytest.fixture
def connect(server: FwsServer) -> Iterator[Connect]:
    with ExitStack() as stack:
        yield lambda kind, user="u", **claims: stack.enter_context(Client(server, kind, user, **claims))


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_gets_all_that_is_published_and_what_it_missed_when_it_comes_back(
    connect: Connect, api: Api, kind: str
) -> None:
    channel = f"kept:{kind}"
    client = connect(kind)
    assert not client.subscribe(channel)["wasRecovering"]
    assert client.call("publish", channel, {"text": "é😀", "n": 0}) in ({}, None)
    for number in range(1, 4):
        api.publish(channel, {"n": number})
    assert client.data(channel, 4) == [{"text": "é😀", "n": 0}, {"n": 1}, {"n": 2}, {"n": 3}]
    client.do("disconnect")
    client.wait("disconnected")
    for number in range(4, 9):
        api.publish(channel, {"n": number})
    client.do("connect")
    back = client.wait("subscribed", channel=channel)
    assert (back["wasRecovering"], back["recovered"]) == (True, True)
    assert client.data(channel, 5) == [{"n": number} for number in range(4, 9)]
    client.do("cut")
    assert client.wait("subscribed", channel=channel)["recovered"]
    api.publish(channel, {"n": 9})
    assert client.data(channel) == [{"n": 9}]
    assert client.call("history", channel, {"limit": 3}) == [{"text": "é😀", "n": 0}, {"n": 1}, {"n": 2}]
    assert client.heard("publication") == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_comes_for_the_newest_has_that(connect: Connect, api: Api, kind: str) -> None:
    channel = f"newest:{kind}"
    for number in range(3):
        api.publish(channel, number)
    client = connect(kind)
    client.subscribe(channel)
    api.publish(channel, 3)
    client.do("cut")
    client.wait("subscribed", channel=channel)
    api.publish(channel, 4)
    assert client.data(channel, 2) == [3, 4]


@pytest.mark.parametrize("kind", ["js websocket json", "js websocket protobuf", "python json", "python protobuf"])
def test_deltas_come_to_the_same(connect: Connect, api: Api, kind: str) -> None:
    channel = f"kept:delta {kind}"
    news = [{"text": "the same again and again " * 8, "n": number, "é": "😀" * number} for number in range(8)]
    client = connect(kind)
    client.subscribe(channel, delta="fossil")
    for each in news[:4]:
        api.publish(channel, each)
    assert client.data(channel, 4) == news[:4]
    client.do("disconnect")
    client.wait("disconnected")
    for each in news[4:6]:
        api.publish(channel, each)
    client.do("connect")
    assert client.wait("subscribed", channel=channel)["recovered"]
    for each in news[6:]:
        api.publish(channel, each)
    assert client.data(channel, 4) == news[4:]


def test_all_sdks_see_each_other_come_speak_and_go(connect: Connect, api: Api) -> None:
    channel = "open:room"
    clients = {kind: connect(kind, kind, info={"name": kind}) for kind in KINDS}
    for at, (kind, client) in enumerate(clients.items()):
        client.subscribe(channel)
        for other in list(clients.values())[: at + 1]:
            other.wait("join", channel=channel, user=kind)
    for kind, client in clients.items():
        client.call("publish", channel, {"by": kind})
        assert [each.data(channel) for each in clients.values()] == [[{"by": kind}]] * len(KINDS)
    expected = [{"user": kind, "info": {"name": kind}} for kind in sorted(KINDS)]
    for client in clients.values():
        assert sorted(client.call("presence", channel), key=lambda each: str(each["user"])) == expected
        assert client.call("presenceStats", channel) == {"numClients": len(KINDS), "numUsers": len(KINDS)}
    assert api.ask("presence_stats", channel=channel)["num_clients"] == len(KINDS)
    first, second, *others = KINDS
    api.ask("unsubscribe", user=first, channel=channel)
    assert clients[first].wait("unsubscribed", channel=channel)["code"] == 2000
    api.ask("disconnect", user=second)
    assert clients[second].wait("disconnected")["code"] == 3503
    for kind in others:
        for gone in (first, second):
            clients[kind].wait("leave", channel=channel, user=gone)
    assert api.ask("presence_stats", channel=channel)["num_clients"] == len(others)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_server_subscribes_a_client_to_and_refuses(connect: Connect, api: Api, kind: str) -> None:
    client = connect(kind, kind, channels=["kept:own"])
    api.publish("kept:own", [1])
    assert client.wait("pushed", channel="kept:own")["data"] == [1]
    assert client.call("rpc", "nothing", {}) == 108
    assert client.call("history", "open:x", {"limit": 1}) == 108
    assert client.call("publish", "none:x", {}) == 102
    client.do("subscribe", "none:x")
    assert client.wait("unsubscribed", channel="none:x")["code"] == 102


def test_a_server_that_is_killed_is_come_back_to_where_history_outlives_it(tmp_path: Path) -> None:
    with ExitStack() as stack:
        storage = stack.enter_context(storage_options("sqlite", tmp_path))
        servers = stack.enter_context(ExitStack())
        first = servers.enter_context(running(tmp_path, **OPTIONS, **storage))
        clients = [stack.enter_context(Client(first, kind, "u")) for kind in KINDS]
        for client in clients:
            client.subscribe("kept:x")
        api = stack.enter_context(Api(first))
        for number in range(3):
            api.publish("kept:x", number)
        assert [client.data("kept:x", 3) for client in clients] == [[0, 1, 2]] * len(KINDS)
        first.process.kill()
        first.process.wait(DEADLINE)
        again = tmp_path / "again"
        again.mkdir()
        servers.enter_context(running(again, port=first.port, **OPTIONS, **storage))
        api.publish("kept:x", 3)
        for client in clients:
            back = client.wait("subscribed", channel="kept:x")
            assert (back["wasRecovering"], back["recovered"]) == (True, True)
        api.publish("kept:x", 4)
        assert [client.data("kept:x", 2) for client in clients] == [[3, 4]] * len(KINDS)


def test_two_nodes_are_one_server_and_one_that_dies_is_told_of(tmp_path: Path) -> None:
    with ExitStack() as stack:
        storage = stack.enter_context(storage_options("redis", tmp_path))
        nodes = []
        for name in ("a", "b"):
            folder = tmp_path / name
            folder.mkdir()
            nodes.append(stack.enter_context(running(folder, **OPTIONS, **storage)))
        apis = [stack.enter_context(Api(node)) for node in nodes]
        doomed, watcher = (
            stack.enter_context(Client(node, kind, user))
            for node, kind, user in zip(nodes, ("python protobuf", "js websocket json"), "uv", strict=True)
        )
        for client in (watcher, doomed):
            client.subscribe("open:x")
            client.subscribe("kept:x")
        watcher.wait("join", user="u")
        for number, api in enumerate(apis * 2):
            api.publish("kept:x", number)
        assert doomed.data("kept:x", 4) == watcher.data("kept:x", 4) == [0, 1, 2, 3]
        assert watcher.call("presenceStats", "open:x") == {"numClients": 2, "numUsers": 2}
        wait_until(lambda: len(apis[1].ask("info")["nodes"]) == 2)
        nodes[0].process.kill()
        watcher.wait("leave", channel="open:x", user="u")
        wait_until(lambda: watcher.call("presenceStats", "open:x") == {"numClients": 1, "numUsers": 1})
