"""What a program without a reactor does while a real Redis Cluster changes: it asks again what was surely not done."""

import threading
import time

import pytest

from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.envelope import decode
from filtered_websocket.publisher import Publisher
from filtered_websocket.storage_objects.redis.cluster.partitions import SLOTS_OF, partition_of
from tests.support.deadlines import joined
from tests.support.ports import WITH_ANOTHER, free_port
from tests.support.redis_cluster import ClusterServer
from tests.support.redis_programs import find

KEPT = {"kept-*": {"history": 10000}}
SLOT = SLOTS_OF[partition_of(b"kept-a")]


@pytest.fixture
def publisher(cluster):
    cluster.clear()
    with Publisher(cluster.url, redis_cluster=True, channels=KEPT, timeout=30) as made:
        yield made


def kept(cluster, publisher, channel="kept-a"):
    slot = SLOTS_OF[partition_of(channel.encode())]
    items = cluster.master_of(slot).get("LRANGE", publisher.where(channel).replace(":c:", ":h:"), 0, -1)
    return [decode("", item.partition(b" ")[2]).payload.decode() for item in items]


def test_a_moved_slot_is_found(cluster, publisher):
    publisher.publish("kept-a", "1")
    source = cluster.master_of(SLOT)
    target = next(server for server in cluster.servers if server.is_master and server is not source)
    cluster.move_slot(SLOT, target)
    publisher.publish("kept-a", "2")
    assert cluster.master_of(SLOT) is target
    assert kept(cluster, publisher) == ["1", "2"]
    cluster.move_slot(SLOT, source)
    publisher.publish("kept-a", "3")
    assert kept(cluster, publisher) == ["1", "2", "3"]


def test_while_a_slot_is_moved_it_waits(cluster, publisher):
    publisher.publish("kept-a", "1")
    waiting = threading.Thread(target=publisher.publish, args=("kept-a", "2"))
    source = cluster.master_of(SLOT)

    def publish():
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()

    target = next(server for server in cluster.servers if server.is_master and server is not source)
    cluster.move_slot(SLOT, target, publish)
    waiting.join(30)
    assert kept(cluster, publisher) == ["1", "2"]
    cluster.move_slot(SLOT, source)


def test_a_master_that_fails_over_loses_and_doubles_nothing(cluster, publisher):
    done = threading.Event()
    sent = []

    def publish():
        while not done.is_set():
            publisher.publish("kept-a", f"{len(sent)}")
            sent.append(f"{len(sent)}")

    thread = threading.Thread(target=publish)
    thread.start()
    cluster.wait(lambda: len(sent) > 50)
    cluster.fail_over(SLOT)
    before = len(sent)
    cluster.wait(lambda: len(sent) > before + 50)
    done.set()
    joined(thread)
    cluster.wait_whole()
    assert kept(cluster, publisher) == sent


def test_a_master_that_is_killed_is_replaced_within_the_timeout(cluster, publisher):
    publisher.publish("kept-a", "1")
    master = cluster.master_of(SLOT)
    replica = cluster.replica_of(master)
    cluster.wait_replicated(master)
    master.kill()
    publisher.publish("kept-a", "2")
    assert cluster.master_of(SLOT) is replica
    assert kept(cluster, publisher) == ["1", "2"]
    cluster.restore()


def test_what_cannot_be_done_before_the_timeout_is_refused_in_one_sentence(cluster):
    source = cluster.master_of(SLOT)
    target = next(server for server in cluster.servers if server.is_master and server is not source)
    target.told("CLUSTER", "SETSLOT", SLOT, "IMPORTING", source.id)
    source.told("CLUSTER", "SETSLOT", SLOT, "MIGRATING", target.id)
    try:
        with (
            Publisher(cluster.url, redis_cluster=True, channels=KEPT, timeout=0.2) as publisher,
            pytest.raises(StorageAway, match=r"refused: (ASK|TRYAGAIN) .*, for 0.2 s: not done$"),
        ):
            publisher.publish("kept-a", "2")
    finally:
        for server in (source, target):
            server.told("CLUSTER", "SETSLOT", SLOT, "STABLE")


def test_what_only_a_master_without_a_majority_would_confirm_is_not_done(tmp_path):
    """It has the slot, and the cluster is down, since it lacks another slot: SPUBLISH and PUBLISH do not mind."""
    program, port = find("redis7"), free_port(WITH_ANOTHER)
    with (
        ClusterServer(tmp_path, "--cluster-enabled", "yes", program=program, port=port) as one,
        Publisher(f"redis://127.0.0.1:{port}", redis_cluster=True, timeout=0.3) as publisher,
    ):
        one.told("CLUSTER", "ADDSLOTSRANGE", 0, 16382)
        assert one.get("SPUBLISH", publisher.where("room"), "hi") == 0
        for publish in (publisher.publish, publisher.publish_to_bus):
            with pytest.raises(StorageAway, match=r"CLUSTERDOWN .*: not done$"):
                publish("room", "hi")


def test_several_seeds_that_are_frozen_cost_no_more_than_the_timeout(cluster):
    frozen = [server for server in cluster.servers if not server.is_master][:2]
    places = [f"127.0.0.1:{server.port}" for server in (*frozen, cluster.master_of(SLOT))]
    for server in frozen:
        server.freeze()
    try:
        with Publisher(redis_shards=places, redis_cluster=True, timeout=3) as publisher:
            began = time.monotonic()
            publisher.publish("room", "hi")
            assert time.monotonic() - began < 6  # of each frozen one the timeout
    finally:
        cluster.restore()


def test_seeds_that_are_away_are_passed_over_and_none_is_told(cluster):
    away = f"127.0.0.1:{free_port()}"
    with Publisher(redis_shards=[away, cluster.seeds[0]], redis_cluster=True) as publisher:
        publisher.publish("room", "hi")
    with (
        Publisher(redis_shards=[away], redis_cluster=True, timeout=0.2) as publisher,
        pytest.raises(StorageAway, match=rf"^Redis at {away} is away: Connection refused, for 0.2 s: not done$"),
    ):
        publisher.publish("room", "hi")
