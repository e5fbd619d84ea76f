"""Centrifugo's own clients over a network that fails, and on two nodes of which one is killed."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.centrifugo_clients import KINDS, OPTIONS, Api, Client
from tests.support.channel_servers import running, storage_options
from tests.support.fws_server import FwsServer
from tests.support.raw_client import wait_until
from tests.support.unreliable_proxy import UnreliableProxy

TOLD = """
from filtered_websocket.filters.centrifugo import CentrifugoUnsubscribeFilter


class Gone(CentrifugoUnsubscribeFilter):
    @classmethod
    def filter(cls, client, event):
        print(client.user, "has left", event.channel, event.code, flush=True)
"""
kinds = pytest.mark.parametrize("kind", KINDS)


class Site:
    """Servers on one storage, and a network that leads to the first of them."""

    def __init__(self, stack: ExitStack, folder: Path, count: int, **storage: Any) -> None:
        self.stack = stack
        self.nodes: list[FwsServer] = []
        for number in range(count):
            node = folder / str(number)
            node.mkdir()
            (node / "told.py").write_text(TOLD)
            options = OPTIONS | storage | {"filters": [*OPTIONS["filters"], "told"]}
            self.nodes.append(stack.enter_context(running(node, **options)))
        self.network = stack.enter_context(UnreliableProxy(self.nodes[0].port))
        self.api = stack.enter_context(Api(self.nodes[-1]))

    def client(self, kind: str, user: str, **claims: Any) -> Client:
        return self.stack.enter_context(Client(self.network, kind, user, **claims))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack, tmp_path_factory.mktemp("site"), 1)


@pytest.fixture
def site(shared: Site) -> Iterator[Site]:
    """One for all tests, whose clients end with the test."""
    with ExitStack() as shared.stack:
        yield shared
    shared.network.end_lost()


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        storage = stack.enter_context(storage_options("redis", tmp_path))
        two = Site(stack, tmp_path, 2, **storage)
        wait_until(lambda: len(two.api.ask("info")["nodes"]) == 2)
        yield two


@kinds
def test_what_was_missed_while_the_network_was_cut_comes_once_and_in_order(site: Site, kind: str) -> None:
    channel, own = f"room:{kind}", f"kept:own {kind}"
    client = site.client(kind, "ann", channels=[own])
    client.subscribe(channel)
    for turn in range(3):
        (site.network.lose if turn == 1 else site.network.cut)()
        missed = [10 * turn + each for each in range(5)]
        for number in missed:
            site.api.ask("broadcast", channels=[channel, own], data=number)
        site.network.mend()
        back = client.wait("subscribed", channel=channel)
        assert (back["wasRecovering"], back["recovered"]) == (True, True)
        site.api.ask("broadcast", channels=[channel, own], data="live")
        assert client.data(channel, 6) == [*missed, "live"]
        assert [client.wait("pushed", channel=own)["data"] for _ in range(6)] == [*missed, "live"]
    assert client.heard("publication") == client.heard("pushed") == []


@kinds
def test_deltas_where_others_are_seen_to_come_and_go(site: Site, kind: str) -> None:
    channel, client = f"room:delta {kind}", site.client(kind, "ann")
    options = {} if kind == "js sse json" else {"delta": "fossil"}
    client.subscribe(channel, **options)
    values = [{"n": n, "list": [f"€ {'x' * n} 😀 {item}" for item in range(40)]} for n in range(6)]
    for value in values[:3]:
        site.api.ask("publish", channel=channel, data=value, delta=True)
    site.network.cut()
    for value in values[3:5]:
        site.api.ask("publish", channel=channel, data=value, delta=True)
    site.network.mend()
    assert client.wait("subscribed", channel=channel)["recovered"]
    site.api.ask("publish", channel=channel, data=values[5], delta=True)
    assert client.data(channel, 6) == values
    assert client.heard("disconnected") == []


def test_clients_of_a_node_that_is_killed_go_on_where_they_stood_at_another(nodes: Site) -> None:
    channel = "room:news"
    clients = [nodes.client(kind, f"user {number}") for number, kind in enumerate(KINDS)]
    for client in clients:
        assert not client.subscribe(channel)["wasRecovering"]
    # What the other node's API does reaches them.
    nodes.api.publish(channel, 1)
    assert [client.data(channel) for client in clients] == [[1]] * len(KINDS)
    assert nodes.api.ask("channels", pattern="room:*")["channels"] == {channel: {"num_clients": len(KINDS)}}
    # The node dies; what is published meanwhile is missed.
    nodes.nodes[0].signal(signal.SIGKILL)
    nodes.nodes[0].wait()
    nodes.network.cut()
    nodes.api.publish(channel, 2)
    nodes.api.publish(channel, 3)
    nodes.network.target = nodes.nodes[1].port
    nodes.network.mend()
    for client in clients:
        back = client.wait("subscribed", channel=channel)
        assert (back["wasRecovering"], back["recovered"]) == (True, True)
    nodes.api.publish(channel, 4)
    assert [client.data(channel, 3) for client in clients] == [[2, 3, 4]] * len(KINDS)
    assert [client.heard("publication") for client in clients] == [[]] * len(KINDS)
    # Those of the dead node are gone with its lease, and filters are told.
    stats = {"num_clients": len(KINDS), "num_users": len(KINDS)}
    wait_until(lambda: nodes.api.ask("presence_stats", channel=channel) == stats)
    wait_until(lambda: nodes.nodes[1].printed.count(f"has left {channel} 3000") == len(KINDS))


def test_commands_of_a_stream_are_taken_by_another_node(nodes: Site) -> None:
    for kind in ("js http_stream json", "js http_stream protobuf", "js sse json"):
        nodes.network.target = nodes.nodes[0].port
        client = nodes.client(kind, "ann")
        # The stream stays where it is; new connections come to the other node.
        nodes.network.target = nodes.nodes[1].port
        client.subscribe("kept:here")
        client.call("publish", "kept:here", kind)
        assert client.data("kept:here") == [kind]
        assert client.call("history", "kept:here", {"limit": 1, "reverse": True}) == [kind]
        assert client.heard("disconnected") == []
