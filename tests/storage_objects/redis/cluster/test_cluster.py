"""What a node does with a Redis Cluster beside its partitions: the bus, keys of others, and how it begins."""

import pytest

from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.storage_objects.redis.cluster.partitions import SLOTS_OF
from filtered_websocket.storage_objects.redis.cluster.redirects import Place
from filtered_websocket.storage_objects.redis.cluster.topology import Topology
from tests.support.backends import Backend
from tests.support.cluster_load import LONG
from tests.support.log_lines import LogLines
from tests.support.ports import WITH_ANOTHER, free_port
from tests.support.reactor_thread import call, until
from tests.support.redis_cluster import ClusterServer, RedisCluster
from tests.support.redis_nodes import KEEP, MODULE, send
from tests.support.redis_programs import find
from tests.support.unreliable_proxy import UnreliableProxy


def test_the_bus_is_heard_once_wherever_its_home_is_and_whoever_publishes_where(cluster, nodes):
    one, other = nodes.node(), nodes.node()
    for node in (one, other):
        node.listen("news")
        node.listen_to_all("some.")
    home = cluster.fail_over(SLOTS_OF[0])
    # Servers hand what is published to each other, one sooner than the other: while a node moves it may hear it twice.
    cluster.wait(lambda: all(listeners(server) == ((2, 2) if server is home else (0, 0)) for server in cluster.servers))
    expected = []
    for number, server in enumerate(cluster.servers):
        server.get("PUBLISH", "news", number)
        expected.append(b"%d" % number)
        for node in (one, other):
            node.recorder.wait_for(lambda node=node: bus_heard(node)[-1:] == expected[-1:])
    one.publish("some.thing", "last")
    for node in (one, other):
        node.recorder.wait_for(lambda node=node: b"last" in bus_heard(node))
        assert bus_heard(node) == [*expected, b"last"]
        # What was said just when it moved may be lost: nodes are told, also where all is ready as before.
        assert node.recorder.bus_gaps
        assert node.recorder.readiness == [True]


def bus_heard(node):
    return [each["data"] for each in node.recorder.bus]


def listeners(server):
    """How many connections to a server hear a name of the bus, and how many a pattern."""
    connections = server.get("CLIENT", "LIST", "TYPE", "pubsub").decode()
    return server.get("PUBSUB", "NUMSUB", "news")[1], connections.count(" psub=1 ")


def test_a_key_of_others_is_read_in_whichever_slot_it_is_also_while_that_is_moved(cluster, nodes):
    node = nodes.node()
    slot = cluster.servers[0].get("CLUSTER", "KEYSLOT", "theirs")
    source = cluster.master_of(slot)
    source.told("SET", "theirs", "value")
    assert node.read("theirs") == b"value"
    assert node.read("nothing") is None
    target = next(server for server in cluster.alive if server.is_master and server is not source)
    read = []

    def moved_to_the_target():
        read.append(node.read("theirs"))

    cluster.move_slot(slot, target, moved_to_the_target)
    assert [*read, node.read("theirs")] == [b"value", b"value"]


def test_a_user_that_may_not_ask_for_info_is_served(cluster, nodes):
    for server in cluster.servers:
        server.told("ACL", "SETUSER", "few", "on", ">secret", "~*", "&*", "+@all", "-@dangerous", "-info")
    with LogLines() as lines:
        node = nodes.node(redis_username="few", redis_password="secret")
    told = [line for line in lines if "nothing certain" in line]
    assert told
    assert all("failovers are seen all the same" in line for line in told)
    node.subscribe("kept 0")
    assert send(node, "kept 0", "x", KEEP).offset == 1
    assert node.recorder.wait(1) == [b"x"]


def test_a_cluster_that_is_not_said_to_be_one_ends_the_start_with_what_to_set(cluster):
    unaware = Backend(MODULE, redis_url=cluster.url)
    with pytest.raises(ConfigError, match="set redis_cluster to true"):
        unaware.node()


def test_one_redis_that_is_said_to_be_a_cluster_is_used_like_one_and_that_is_told(tcp_redis_server):
    tcp_redis_server.ask("FLUSHALL")
    single = Backend(MODULE, redis_port=tcp_redis_server.port, redis_cluster=True)
    with LogLines() as lines:
        node = single.node()
    assert len([line for line in lines if "leave redis_cluster out" in line]) == 1
    assert node.add("set", "value")
    single.close()


def test_seeds_that_were_let_go_are_asked_again_when_all_that_they_named_are_gone(tmp_path):
    """Their names may lead elsewhere by then: servers in containers come back at other addresses."""
    with (
        RedisCluster(tmp_path, "redis7", masters=1, replicas=False) as one,
        UnreliableProxy(one.servers[0].port) as seed,
    ):
        (server,) = one.servers
        backend = Backend(MODULE, redis_shards=[f"127.0.0.1:{seed.port}"], redis_cluster=True)
        node = backend.node()
        until(lambda: [place.port for place in node.storage._shards._nodes] == [server.port])
        seed.target = free_port(WITH_ANOTHER)
        for option in ("cluster-announce-port", "port"):
            server.told("CONFIG", "SET", option, seed.target)
        for kind in ("pubsub", "normal"):
            server.get("CLIENT", "KILL", "TYPE", kind)
        until(lambda: [place.port for place in node.storage._shards._nodes] == [seed.target], deadline=LONG)
        until(lambda: node.storage.ready, deadline=LONG)
        assert send(node, "kept 0", "again", KEEP).offset == 1
        backend.close()


def test_a_cluster_that_is_made_anew_of_the_same_servers_is_followed_though_they_have_never_gone(tmp_path):
    """CLUSTER RESET HARD gives each of them a new name: no map has one in common with what was known."""
    with RedisCluster(tmp_path, "redis7", masters=2, replicas=False) as two:
        backend = Backend(MODULE, redis_shards=two.seeds, redis_cluster=True)
        node = backend.node()
        for server in two.servers:
            # What the node writes meanwhile is in the way of it.
            two.wait(lambda server=server: server.get("FLUSHALL") == server.get("CLUSTER", "RESET", "HARD") == b"OK")
        two.servers.reverse()  # so each gets the slots of the other
        two._form()
        shards, names = node.storage._shards, {server.id.encode() for server in two.servers}
        until(lambda: shards.topology.ids == names, deadline=LONG)
        until(lambda: node.storage.ready and all(each.open for each in shards.all()), deadline=LONG)
        assert send(node, "kept 0", "again", KEEP).offset == 1
        backend.close()


def test_a_key_of_others_is_read_while_it_is_moved_by_servers_that_do_not_say_where_they_are(cluster, nodes):
    node = nodes.node()
    slot = cluster.servers[0].get("CLUSTER", "KEYSLOT", "theirs")
    source = cluster.master_of(slot)
    source.told("SET", "theirs", "value")
    target = next(server for server in cluster.alive if server.is_master and server is not source)
    read = []
    for server in cluster.servers:
        server.told("CONFIG", "SET", "cluster-preferred-endpoint-type", "unknown-endpoint")
    try:
        cluster.move_slot(slot, target, lambda: read.append(node.read("theirs")))
    finally:
        for server in cluster.servers:
            server.told("CONFIG", "SET", "cluster-preferred-endpoint-type", "ip")
    assert read == [b"value"]


def test_a_read_that_is_under_way_when_all_ends_is_answered(cluster, nodes):
    node = nodes.node()

    def read_and_end():
        shards = node.storage._shards
        answer = node.storage.read("theirs")
        shards._reads.stop()
        for each in shards._nodes.values():
            each.commands.transport.abortConnection()
        return answer

    with pytest.raises(StorageAway):
        call(read_and_end)


def test_a_read_of_a_server_without_partitions_that_froze_is_given_up(tmp_path, nodes):
    """No heartbeat goes there, since no partition has its home there."""
    node = nodes.node(redis_heartbeat=0.3)
    shards, program, port = node.storage._shards, find("redis7"), free_port(WITH_ANOTHER)
    with ClusterServer(tmp_path, "--cluster-enabled", "yes", program=program, port=port) as server:
        lone = call(shards.node_at, Place("127.0.0.1", port))
        until(lambda: lone.is_up)
        server.freeze()

        def read_there():
            shards._take_map = lambda topology, asked: None  # one that is on its way says that it is elsewhere
            shards.topology = Topology.single(lone.place)
            return node.storage.read("theirs")

        with pytest.raises(StorageAway, match="not done"):
            call(read_there)
