"""Real clusters as they are set up elsewhere: by names, over TLS, without full coverage; and two servers with a pack on
one."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from filtered_websocket.publisher import Publisher
from filtered_websocket.storage_objects.base import StorageAway
from filtered_websocket.storage_objects.redis.cluster.partitions import SLOTS_OF, partition_of
from tests.support import certificates
from tests.support.backends import Backend
from tests.support.fws_server import FwsServer
from tests.support.http_client import ask
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_nodes import KEEP, MODULE, send, wait_away, wait_back
from tests.support.round_robin import RoundRobin
from tests.support.socketio_clients import Client

SLOT = SLOTS_OF[partition_of(b"kept 0")]


@pytest.fixture(scope="module")
def covered_in_part(tmp_path_factory):
    arguments = ("--cluster-require-full-coverage", "no")
    with RedisCluster(tmp_path_factory.mktemp("cluster"), "redis7", *arguments) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    with RedisCluster(tmp_path_factory.mktemp("cluster"), "valkey9") as cluster:
        yield cluster


@pytest.fixture
def nodes():
    """Makes nodes on a cluster."""
    with ExitStack() as running:

        def on(cluster, **settings):
            backend = Backend(MODULE, redis_url=cluster.url, redis_cluster=True, **settings)
            running.callback(backend.close)
            return backend

        yield on


def test_without_full_coverage_the_channels_of_other_masters_go_on_while_one_is_gone(covered_in_part, nodes):
    cluster = covered_in_part
    node = nodes(cluster).node()
    master = cluster.master_of(SLOT)
    replica = cluster.replica_of(master)
    names = [f"kept {number}" for number in range(10)]
    others = [name for name in names if cluster.master_of(SLOTS_OF[partition_of(name.encode())]) is not master]
    assert others
    for name in names:
        node.subscribe(name)
        send(node, name, "before", KEEP)
    replica.kill()
    master.kill()
    wait_away(node)
    for name in others:
        send(node, name, "meanwhile", KEEP)
    with pytest.raises(StorageAway, match="not done"):
        send(node, "kept 0", "meanwhile", KEEP)
    assert node.recorder.wait(10 + len(others)).count(b"meanwhile") == len(others)
    assert not node.storage.ready
    cluster.restore()
    wait_back(node)
    send(node, "kept 0", "after", KEEP)
    assert node.recorder.wait(11 + len(others))[-1] == b"after"


@pytest.mark.parametrize("kind", ["hostname", "unknown-endpoint"])
def test_masters_are_found_by_names_and_where_none_is_given(covered_in_part, nodes, kind):
    cluster = covered_in_part
    for server in cluster.servers:
        server.told("CONFIG", "SET", "cluster-announce-hostname", "localhost")
        server.told("CONFIG", "SET", "cluster-preferred-endpoint-type", kind)
    try:
        cluster.wait(lambda: all(named(server, kind) for server in cluster.servers))
        node = nodes(cluster).node()
        channels = [f"kept {number}" for number in range(10)]
        with Publisher(cluster.url, redis_cluster=True) as publisher:
            for channel in channels:
                node.subscribe(channel)
                publisher.publish(channel, channel)
        assert sorted(node.recorder.wait(10)) == sorted(channel.encode() for channel in channels)
        cluster.fail_over(SLOT)
        send(node, "kept 0", "after", KEEP)
        assert node.recorder.wait(11)[-1] == b"after"
    finally:
        for server in cluster.servers:
            server.told("CONFIG", "SET", "cluster-preferred-endpoint-type", "ip")
        cluster.wait_whole()


def named(server, kind):
    hosts = {master[0] for _, _, master, *_ in server.get("CLUSTER", "SLOTS")}
    return hosts == ({b"localhost"} if kind == "hostname" else {None})


def test_a_cluster_over_tls(tmp_path, nodes):
    files = certificates.write(tmp_path)
    with RedisCluster(tmp_path / "cluster", "redis7", replicas=False, tls=files) as cluster:
        url = f"rediss://localhost:{cluster.servers[0].port}"
        backend = nodes(cluster, redis_ca=files.root)
        backend.settings["redis_url"] = url
        node = backend.node()
        with Publisher(url, redis_cluster=True, redis_ca=files.root, channels={"*": {"history": 10}}) as publisher:
            for number in range(10):
                node.subscribe(f"kept {number}")
                publisher.publish(f"kept {number}", "hi")
        assert node.recorder.wait(10) == [b"hi"] * 10
        backend.close()


def test_a_session_moves_between_servers_on_a_cluster_and_emits_come_once_in_one_order(valkey, tmp_path):
    given = ("-f", "filtered_websocket.filters.ws_emit", "--storage", "redis", "--redis_url", valkey.url)
    given += ("--redis_cluster", "yes", "--ws_emit_secret", "123")
    with ExitStack() as running:
        folders = [tmp_path / name for name in "ab"]
        for folder in folders:
            folder.mkdir()
        with ThreadPoolExecutor() as starting:
            servers = list(starting.map(lambda folder: running.enter_context(FwsServer(*given, cwd=folder)), folders))
        proxy = running.enter_context(RoundRobin([server.port for server in servers]))
        url = f"http://127.0.0.1:{proxy.port}"
        clients = [running.enter_context(Client("js-4", url, "default")) for _ in range(2)]
        for client in clients:
            client.wait("connect")
            client.ask("join", {"room": "a"})
        received: list[list[int]] = [[], []]
        for start in (0, 50):
            for number in range(start, start + 50):
                # By the servers, and by a program of another kind at any server of the cluster.
                emit(servers[number % 2], number) if number % 3 else foreign(valkey, number)
            for client, numbers in zip(clients, received, strict=True):
                numbers += [client.event()[1] for _ in range(50)]
            if start == 0:
                # What is published on the bus just then is lost, and the log says so.
                valkey.fail_over(SLOTS_OF[0])
                for server in servers:
                    server.wait_for("on the bus is lost")
                    valkey.wait(lambda server=server: ask(at(server), "GET", "/health/ready").status == 200)
        assert received[0] == received[1]
        assert sorted(received[0]) == list(range(100))
        for client in clients:
            client.wait("upgrade")


def at(server):
    return ("127.0.0.1", server.port)


def emit(server, number):
    body = {"secret": "123", "event": "n", "room": "a", "data": number}
    assert ask(at(server), "POST", "/emit", body, {"Content-Type": "application/json"}).status == 200


def foreign(cluster, number):
    packet = f'{{"method":"emit","event":"n","data":{number},"room":"a","namespace":"/"}}'
    cluster.alive[number % len(cluster.alive)].get("PUBLISH", "flask-socketio", packet)
