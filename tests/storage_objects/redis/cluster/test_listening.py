"""Listening to a real Redis Cluster on several channels, wherever they are at home."""

import threading

import pytest

from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.envelope import decode
from filtered_websocket.publisher import Publisher
from filtered_websocket.storage_objects.redis import listening
from filtered_websocket.storage_objects.redis.address import Address
from filtered_websocket.storage_objects.redis.cluster.listening import ClusterEars
from filtered_websocket.storage_objects.redis.cluster.partitions import SLOTS_OF, partition_of, prefix_of
from tests.support.raw_client import DEADLINE

CHANNELS = ["ear-1", "ear-2", "ear-3", "ear-4"]


class Heard(threading.Thread):
    def __init__(self, cluster, *names):
        super().__init__(daemon=True)
        self.ears = ClusterEars([Address("seed", "127.0.0.1", cluster.servers[0].port)], b"fws:", DEADLINE)
        self.names, self.pairs, self.reason = [name.encode() for name in names], [], None
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ears.close()
        self.join(DEADLINE)

    def run(self):
        try:
            for pair in self.ears.listen(*self.names):
                self.pairs.append(pair)
        except StorageAway as away:
            self.reason = str(away)


def test_channels_of_all_masters_and_the_bus_are_heard_together(any_cluster):
    with Publisher(any_cluster.url, redis_cluster=True) as publisher:
        names = [publisher.where(channel) for channel in CHANNELS]
        with Heard(any_cluster, *names, "ear") as heard:
            any_cluster.wait(lambda: all(publisher.nodes(channel) for channel in CHANNELS))
            any_cluster.wait(lambda: any(server.get("PUBSUB", "NUMSUB", "ear")[1] for server in any_cluster.servers))
            for channel in CHANNELS:
                publisher.publish(channel, channel)
            publisher.publish_to_bus("ear", "rain")
            any_cluster.wait(lambda: len(heard.pairs) == len(CHANNELS) + 1)
    found = dict(heard.pairs)
    assert found.pop(b"ear") == b"rain"
    assert {name.decode(): decode("", data).payload.decode() for name, data in found.items()} == dict(
        zip(names, CHANNELS, strict=True)
    )


def test_it_ends_when_a_channel_is_at_home_elsewhere(cluster):
    slot = SLOTS_OF[partition_of(b"ear-1")]
    names = [prefix_of(b"fws:", partition_of(name)) + b"c:" + name for name in (b"ear-1", b"ear-2")]
    with Heard(cluster, *map(bytes.decode, names)) as heard:
        home = cluster.master_of(slot)
        cluster.wait(lambda: home.get("PUBSUB", "SHARDNUMSUB", names[0])[1])
        cluster.fail_over(slot)
        heard.join(DEADLINE)
        assert "has given these channels to another server" in heard.reason
    cluster.wait_whole()


def test_a_cluster_that_is_away_is_told():
    ears = ClusterEars([Address("127.0.0.1:1", "127.0.0.1", 1)], b"fws:", 0.2)
    with pytest.raises(StorageAway, match="Connection refused"):
        next(ears.listen(b"weather"))


def test_what_nobody_looks_at_waits_at_redis_and_not_here(cluster, monkeypatch):
    monkeypatch.setattr(listening, "MOST", 10)
    ears = ClusterEars([Address("seed", "127.0.0.1", cluster.servers[0].port)], b"fws:", DEADLINE)
    first: list[tuple[bytes, bytes]] = []
    pairs = ears.listen(b"ear")
    asking = threading.Thread(target=lambda: first.append(next(pairs)), daemon=True)
    asking.start()
    home = cluster.master_of(SLOTS_OF[0])
    cluster.wait(lambda: home.get("PUBSUB", "NUMSUB", "ear")[1])
    for number in range(100):
        home.get("PUBLISH", "ear", number)
    asking.join(DEADLINE)
    found = pairs.gi_frame.f_locals["heard"]
    cluster.wait(lambda: found.qsize() == 10)
    assert [data for _, data in (*first, *(next(pairs) for _ in range(99)))] == [b"%d" % n for n in range(100)]
    pairs.close()
