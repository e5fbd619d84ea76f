"""Several real servers on one real Redis: what crosses nodes, and what an outage costs."""

import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.fws_server import FwsServer
from tests.support.outage import Outage, on, settled, started
from tests.support.raw_client import RawClient
from tests.support.redis_server import RedisServer

PIPELINES = {
    "/bus": ["filtered_websocket.filters.broadcast_pubsub"],
    "/all": ["filtered_websocket.filters.broadcast_messages"],
    "/token": ["filtered_websocket.filters.broadcast_messages_by_token"],
}


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory, redis: RedisServer) -> Iterator[list[FwsServer]]:
    arguments = ("--pipelines", json.dumps(PIPELINES), "--ping_interval", "0", *on(redis))
    with started(tmp_path_factory.mktemp("two"), "", one=arguments, other=arguments) as nodes:
        yield nodes


@pytest.fixture
def two(nodes: list[FwsServer]) -> Iterator[list[FwsServer]]:
    """Whose clients end with the test."""
    yield nodes
    for node in nodes:
        node.close_clients()


def command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


# Two servers, one Redis.


def test_what_is_published_raw_reaches_every_client_of_both_servers_once_in_order(
    two: list[FwsServer], redis: RedisServer
) -> None:
    clients = [settled(server.open("/bus")) for server in two for _ in range(2)]
    wanted = [str(number) for number in range(10_000)]
    redis.send_raw(b"".join(command(b"PUBLISH", b"global", text.encode()) for text in [*wanted, "end"]))
    for client in clients:
        assert [client.text() for _ in range(10_001)] == [*wanted, "end"]


def test_a_server_that_stops_is_no_news_to_the_others(two: list[FwsServer], redis: RedisServer, tmp_path: Path) -> None:
    client = settled(two[0].open("/bus"))
    with FwsServer("--pipelines", json.dumps(PIPELINES), *on(redis), cwd=tmp_path) as third:
        third.open("/bus")
        third.signal()
        assert third.wait() == 0
    redis.ask("PUBLISH", "global", "next")
    assert client.text() == "next"


FILLS = """
    import time
    from twisted.internet.threads import deferToThread
    from filtered_websocket.filters.base import WebSocketMessageFilter

    class Fills(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data):
            connection.sendMessage("filling")
            return deferToThread(time.sleep, 60)
"""


def test_a_server_comes_back_to_redis_while_filters_fill_the_pool_of_threads(tmp_path: Path) -> None:
    (tmp_path / "my_filters.py").write_text(dedent(FILLS))
    with RedisServer(tmp_path / "redis", tcp=True) as redis:
        storage = ("--storage", "redis", "--redis_host", "localhost", "--redis_port", str(redis.port))
        with FwsServer("-f", "my_filters", "--filter_timeout", "100", *storage, cwd=tmp_path) as server:
            for _ in range(14):
                client = server.open()
                client.send("fill")
                assert client.text() == "filling"
            redis.kill()
            server.wait_for("the storage object is away")
            redis.start()
            # Long before any of the filters ends.
            server.wait_for("the storage object is away(.|\\n)*the storage object is ready")


def test_messages_are_broadcast_to_the_clients_of_all_servers(two: list[FwsServer]) -> None:
    clients = [settled(server.open("/all")) for server in two for _ in range(2)]
    sender, *others = clients
    sender.send("hello")
    for other in others:
        assert other.text() == "hello"
    clients[-1].send("and back")
    assert [client.text() for client in clients[:-1]] == ["and back"] * 3


def register(client: RawClient, token: str) -> RawClient:
    client.send(f"token:{token}")
    assert client.text() == f"Successfully registered with broadcast group: {token}"
    return client


def test_a_group_of_a_token_spans_servers(two: list[FwsServer], redis: RedisServer) -> None:
    one, other = (register(server.open("/token"), "red") for server in two)
    stranger = register(two[1].open("/token"), "blue")
    one.send("red from one")
    assert other.text() == "red from one"
    other.send("red from other")
    assert one.text() == "red from other"
    assert redis.ask("SCARD", "fws:s:/token red") == b":2\r\n"
    register(one, "blue").send("blue from one")
    assert stranger.text() == "blue from one"
    assert redis.ask("SCARD", "fws:s:/token red") == b":1\r\n"
    other.send("only I am red")
    stranger.send("blue from stranger")
    assert one.text() == "blue from stranger"


# An outage.


@pytest.fixture(scope="module", params=["killed", "frozen"])
def outage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outage:
    return Outage(request.param, tmp_path_factory.mktemp(request.param))


@pytest.mark.quiet
def test_every_node_says_within_5_s_that_it_is_not_ready_and_later_that_it_is(outage: Outage) -> None:
    assert outage.not_ready_after < 5
    assert "the storage object is away" in outage.reason
    assert outage.all_ready == [200, 200, 200]


@pytest.mark.quiet
def test_every_channel_is_live_within_2_s_of_the_return(outage: Outage) -> None:
    assert outage.live_after < 2


@pytest.mark.quiet
def test_channels_with_history_deliver_all_that_was_confirmed_in_order_once(outage: Outage) -> None:
    for reader in outage.readers:
        for writer in outage.writers:
            got = reader.of(writer.channel)[:-1]
            assert got == sorted(set(got), key=int)
            assert not set(writer.confirmed) - set(got)
            # What came beyond was under way when Redis went, and its writer was told that it might.
            assert all("unknown" in writer.refused[text] for text in set(got) - set(writer.confirmed))
            assert set(writer.refused) - set(got)


@pytest.mark.quiet
def test_all_nodes_deliver_the_same_after_an_outage(outage: Outage) -> None:
    one, other = outage.readers
    for channel in ("kept-a", "kept-b", "kept-q"):
        assert one.of(channel) == other.of(channel)


@pytest.mark.quiet
def test_a_channel_without_history_has_its_gap_counted_and_logged(outage: Outage) -> None:
    # Those of the crowd's on this node, and "plain".
    assert outage.gaps() == 201
    assert "lost while the storage object was away" in outage.logs[1]


@pytest.mark.quiet
def test_a_refused_publication_fails_and_its_connection_stays(outage: Outage) -> None:
    assert outage.refused == "refused refused Redis is away: not done"
    assert outage.refused_again.startswith("refused again")


@pytest.mark.quiet
def test_a_refused_publication_that_nobody_catches_closes_1013(outage: Outage) -> None:
    assert outage.closed_with[0] == 1013


@pytest.mark.quiet
def test_a_queue_keeps_what_was_published_meanwhile_in_order(outage: Outage) -> None:
    assert outage.queue_answer == "published awaited"
    for reader in outage.readers:
        assert reader.of("kept-q") == ["first", *(str(number) for number in range(50)), "awaited", "end"]
