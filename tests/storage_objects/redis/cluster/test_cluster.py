"""Redis Cluster as a node uses it, while masters die, freeze, give up their place or their slots: under load, what was
confirmed is there, what was refused is not, and what is unknown is told to be."""

import threading

import pytest
from twisted.internet.defer import succeed

from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.storage_objects.redis.cluster.partitions import SLOTS_OF, partition_of, prefix_of
from tests.support.backends import Backend, message
from tests.support.cluster_load import Load, heard
from tests.support.log_lines import LogLines
from tests.support.ports import WITH_ANOTHER, free_port
from tests.support.reactor_thread import call, until
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_nodes import KEEP, MODULE, send
from tests.support.unreliable_proxy import UnreliableProxy

SLOT = SLOTS_OF[partition_of(b"kept 0")]
LONG = 30
"""Seconds that something may take on a busy machine."""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """Clusters to be harmed, by their kinds, of which each begins when it is first asked for."""
    clusters = {}
    yield (
        lambda kind: clusters.get(kind) or clusters.setdefault(kind, RedisCluster(tmp_path_factory.mktemp(kind), kind))
    )
    for cluster in clusters.values():
        cluster.close()


@pytest.fixture
def cluster(running, request):
    found = running(getattr(request, "param", "redis7"))
    found.clear()
    yield found
    found.restore()


@pytest.fixture
def nodes(cluster):
    backend = Backend(MODULE, redis_shards=cluster.seeds[:3], redis_cluster=True, lease_seconds=3.0)
    yield backend
    for server in cluster.servers:
        if server.is_frozen:
            server.thaw()
    backend.close()


def kill_master(cluster):
    master = cluster.master_of(SLOT)
    replica = cluster.replica_of(master)
    master.kill()
    cluster.wait_promoted(replica)


def freeze_master(cluster):
    master = cluster.master_of(SLOT)
    replica = cluster.replica_of(master)
    master.freeze()
    cluster.wait_promoted(replica)
    threading.Event().wait(0.2)
    master.thaw()


def test_a_killed_master_costs_nothing_that_was_confirmed(cluster, nodes):
    writer, reader = nodes.node(), nodes.node()
    with Load(writer, [writer, reader]) as load:
        load.confirm_all()
        kill_master(cluster)
        load.confirm_all()
    load.check()
    assert reader.recorder.phantoms == []


@pytest.mark.parametrize("cluster", ["redis7", "valkey9"], indirect=True)
def test_a_failover_by_hand_costs_nothing_and_fails_nothing(cluster, nodes):
    writer, reader = nodes.node(), nodes.node()
    with Load(writer, [writer, reader]) as load:
        load.confirm_all()
        cluster.fail_over(SLOT)
        load.confirm_all()
    load.check()
    assert not any(load.unknown.values())


@pytest.mark.parametrize("cluster", ["redis6"], indirect=True)
def test_redis_6_lets_writes_hang_when_it_fails_over_until_our_heartbeat_ends_that(cluster, nodes):
    writer, reader = nodes.node(), nodes.node()
    with Load(writer, [reader], 20) as load:
        load.confirm_all()
        cluster.fail_over(SLOT)
        load.confirm_all()
    load.check()


def test_a_frozen_master_that_was_replaced_gives_nobody_anything_twice(cluster, nodes):
    writer, reader = nodes.node(), nodes.node()
    with Load(writer, [writer, reader]) as load:
        load.confirm_all()
        freeze_master(cluster)
        thawed = load.rounds
        load.confirm_all()
    load.check(thawed)


def test_while_a_slot_is_moved_key_by_key_publishing_waits_in_new_channels_too(cluster, nodes):
    writer, reader = nodes.node(), nodes.node()
    source = cluster.master_of(SLOT)
    target = next(server for server in cluster.alive if server.is_master and server is not source)
    new = next(f"new {n}" for n in range(1000) if SLOTS_OF[partition_of(b"new %d" % n)] == SLOT)
    waiting, bystander = [], next(f"by {n}" for n in range(99) if SLOTS_OF[partition_of(b"by %d" % n)] != SLOT)

    def half_way():
        waiting.append(call(lambda: [writer.storage.send(message(new, str(n)), KEEP) for n in range(3)]))
        assert send(writer, bystander, "x", KEEP).offset == 1

    reader.subscribe(new)
    with Load(writer, [writer, reader]) as load:
        load.confirm_all()
        cluster.move_slot(SLOT, target, half_way)
        load.confirm_all()
    load.check()
    assert not any(load.unknown.values())
    assert [call(lambda d=d: d).offset for d in waiting[0]] == [1, 2, 3]
    assert heard(reader, new) == [0, 1, 2]


def test_what_a_dead_node_held_is_swept_once_though_its_slot_is_moved(cluster, nodes):
    """A sweep that has begun where half of the keys are gone already would lose members, or tell of them twice."""
    watcher = nodes.node(lease_seconds=1.0)
    dying = nodes.node(lease_seconds=1.0)
    rooms = [name for name in (f"room {n}" for n in range(2000)) if SLOTS_OF[partition_of(name.encode())] == SLOT]
    for room in rooms:
        dying.join(room, "ann", "holder")
    for shard in dying.storage._shards.all():
        shard.leases.release = lambda: succeed(None)
    dying.stop()
    source = cluster.master_of(SLOT)
    target = next(server for server in cluster.alive if server.is_master and server is not source)
    cluster.move_slot(SLOT, target, lambda: threading.Event().wait(1.5))
    watcher.recorder.wait_for(lambda: len(watcher.recorder.left) >= len(rooms), LONG)
    assert sorted(watcher.recorder.left) == sorted((room, "ann", "") for room in rooms)
    assert all(watcher.members(room) == {} for room in rooms)


def test_it_is_not_ready_when_most_masters_are_gone_though_what_is_left_confirms_publications(cluster, nodes):
    node = nodes.node(redis_heartbeat=0.3)
    node.add("set", "value")
    left = cluster.master_of(SLOT)
    killed = [server for server in cluster.servers if server.is_master and server is not left]
    for server in (*killed, *map(cluster.replica_of, killed)):
        server.kill()
    node.recorder.wait_for(lambda: node.recorder.readiness[-1:] == [False], LONG)
    assert left.get("SPUBLISH", prefix_of(b"fws:", partition_of(b"kept 0")) + b"c:kept 0", "x") == 0
    for verb, *arguments in (("send", message("kept 0", "no"), KEEP), ("get", "set"), ("join", "a", "b", "c")):
        with pytest.raises(StorageAway, match=r"not done|unknown"):
            getattr(node, verb)(*arguments)
    cluster.restore()
    node.recorder.wait_for(lambda: node.recorder.readiness[-1:] == [True], LONG)
    assert send(node, "kept 0", "yes", KEEP).offset == 1


def test_all_that_is_held_is_claimed_when_the_whole_cluster_was_down(cluster, nodes):
    node = nodes.node(redis_heartbeat=0.3)
    rooms = [f"room {number}" for number in range(20)]
    for room in rooms:
        node.subscribe(room)
        node.join(room, "ann", "holder", room)
        node.track(room, 2)
    for server in cluster.servers:
        server.kill()
    node.recorder.wait_for(lambda: node.recorder.readiness[-1:] == [False], LONG)
    cluster.restore()
    node.recorder.wait_for(lambda: node.recorder.readiness[-1:] == [True], LONG)
    assert [node.members(room) for room in rooms] == [{"ann": room} for room in rooms]
    assert node.occupied("room") == dict.fromkeys(rooms, 2)
    send(node, rooms[0], "again")
    node.recorder.wait(1)


def test_a_master_that_comes_back_empty_begins_a_new_epoch_with_a_gap(cluster, nodes):
    node = nodes.node()
    node.subscribe("kept 0")
    first = send(node, "kept 0", "old", KEEP)
    node.recorder.wait(1)
    master = cluster.master_of(SLOT)
    master.kill()
    master.start()
    node.recorder.wait_for(lambda: "kept 0" in node.recorder.gaps, LONG)
    second = send(node, "kept 0", "new", KEEP)
    assert second.epoch != first.epoch
    assert node.since("kept 0", first) is None
    assert node.recorder.wait(2) == [b"old", b"new"]


def test_readers_of_before_and_beyond_what_a_promoted_replica_has_get_the_right_rest(cluster, nodes):
    node = nodes.node()
    node.subscribe("kept 0")
    sent = [send(node, "kept 0", str(number), KEEP) for number in range(1, 9)]
    master = cluster.master_of(SLOT)
    replica = cluster.replica_of(master)
    assert master.get("WAIT", 1, 10_000) == 1
    replica.freeze()
    master.get("CLIENT", "KILL", "TYPE", "replica")
    sent += [send(node, "kept 0", str(number), KEEP) for number in (9, 10)]
    node.recorder.wait(10)
    master.kill()
    replica.thaw()
    cluster.wait_promoted(replica)
    new = [send(node, "kept 0", str(number), KEEP) for number in (101, 102, 103)]
    assert [position.offset for position in new] == [9, 10, 11]

    def rest(number):
        return [int(each.payload) for each in node.since("kept 0", sent[number - 1])]

    assert (rest(10), rest(8), rest(6)) == ([101, 102, 103], [101, 102, 103], [7, 8, 101, 102, 103])
    assert [int(payload) for payload in node.recorder.wait(13)] == [*range(1, 11), 101, 102, 103]
    assert node.recorder.gaps.count("kept 0") == 0


def test_publications_that_meet_a_failover_on_their_way_keep_their_order(cluster, nodes):
    node = nodes.node()
    node.subscribe("kept 0")
    send(node, "kept 0", "0", KEEP)
    replica = cluster.replica_of(cluster.master_of(SLOT))
    replica.told("CLUSTER", "FAILOVER")
    answers = []

    def three_more():
        for _ in range(3):
            answers.append(node.storage.send(message("kept 0", str(len(answers) + 1)), KEEP))

    while not replica.is_master or len(answers) < 30:
        call(three_more)
    offsets = [call(lambda d=d: d).offset for d in answers]
    assert offsets == sorted(offsets)
    assert heard_in_order(node, len(answers) + 1)


def heard_in_order(node, count):
    node.recorder.wait(count)
    return heard(node, "kept 0") == list(range(count))


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
    node = nodes.node(redis_username="few", redis_password="secret")
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
