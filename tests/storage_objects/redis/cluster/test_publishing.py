"""Publishing to a real Redis Cluster: under which names, by which commands, and what is kept."""

import pytest
import redis

from filtered_websocket.errors import StorageAway
from filtered_websocket.messages.envelope import decode
from filtered_websocket.publisher import Publisher
from filtered_websocket.storage_objects.redis.cluster.partitions import SLOTS_OF, TAGS, partition_of
from tests.support.redis_server import RedisServer
from tests.support.sharded_listener import ShardedListener

KEPT = {"kept-*": {"history": 10}}


def home(cluster, channel):
    return cluster.master_of(SLOTS_OF[partition_of(channel.encode())])


def listening(cluster, publisher, channel):
    verb = "SUBSCRIBE" if cluster.kind == "redis6" else "SSUBSCRIBE"
    return ShardedListener(home(cluster, channel), publisher.where(channel), verb)


def test_channels_of_all_masters_are_heard_at_their_homes(any_cluster):
    any_cluster.clear()
    channels = ["room", "kept-a", "kept-b", "kept-c {x}", "kept-é", "news"]
    assert len({home(any_cluster, channel).port for channel in channels}) == 3
    with Publisher(any_cluster.url, redis_cluster=True, channels=KEPT) as publisher:
        for channel in channels:
            with listening(any_cluster, publisher, channel) as listener:
                assert publisher.nodes(channel) == 1
                publisher.publish(channel, "hi")
                [data] = listener.wait(1)
            publication = decode(channel, data)
            assert publication.payload == b"hi"
            assert (publication.position is not None) == channel.startswith("kept-")
    keys = [key for server in any_cluster.servers if server.is_master for key in server.get("KEYS", "*")]
    tags = {b"fws:{%b}:" % TAGS[partition_of(channel.encode())] for channel in channels if channel.startswith("kept-")}
    assert {key[: key.index(b"}") + 2] for key in keys} == tags


def test_a_history_goes_on_and_its_pool_has_a_sixteenth(any_cluster):
    any_cluster.clear()
    with Publisher(any_cluster.url, redis_cluster=True, channels=KEPT, history_bytes="64K") as publisher:
        for number in range(10):
            publisher.publish("kept-a", f"{number}".ljust(900))
        name = publisher.where("kept-a").replace(":c:", ":h:")
    kept = home(any_cluster, "kept-a").get("LRANGE", name, 0, -1)
    assert len(kept) == 2  # of 4096 bytes
    assert decode("", kept[-1].partition(b" ")[2]).position.offset == 10


def test_the_bus_is_raw_and_heard_at_every_server(any_cluster):
    with Publisher(any_cluster.url, redis_cluster=True) as publisher:
        listeners = [ShardedListener(server, "weather", "SUBSCRIBE") for server in any_cluster.servers]
        publisher.publish_to_bus("weather", "rain")
        for listener in listeners:
            with listener:
                assert listener.wait(1) == [b"rain"]


def test_what_a_program_publishes_under_the_name_is_heard(cluster):
    with (
        Publisher(cluster.url, redis_cluster=True) as publisher,
        listening(cluster, publisher, "room") as listener,
        redis.RedisCluster.from_url(cluster.url) as foreign,
    ):
        foreign.spublish(publisher.where("room"), "text")
        assert listener.wait(1) == [b"text"]


def test_without_the_option_a_cluster_of_several_masters_is_refused(cluster):
    for channel in ("room", "kept-a"):
        with (
            Publisher(cluster.url, channels=KEPT) as publisher,
            pytest.raises(StorageAway, match=r"is a Redis Cluster: set redis_cluster: not done$"),
        ):
            publisher.publish(channel, "hi")


def test_a_single_server_stands_for_a_cluster(tmp_path):
    with RedisServer(tmp_path / "redis", tcp=True) as server:
        url = f"redis://127.0.0.1:{server.port}"
        with Publisher(url, redis_cluster=True, channels=KEPT) as publisher:
            publisher.publish("kept-a", "hi")
            publisher.publish("room", "hi")
            name = publisher.where("kept-a").replace(":c:", ":h:")
        assert server.ask("LLEN", name) == b":1\r\n"


def test_a_user_without_info_publishes_too(cluster):
    for server in cluster.servers:
        server.told("ACL", "SETUSER", "narrow", "on", ">x", "~fws:*", "&fws:*", "+@all", "-info", "-@dangerous")
        server.told("ACL", "SETUSER", "narrow", "+cluster|slots", "+cluster|myid")
    with Publisher(cluster.url, redis_cluster=True, redis_username="narrow", redis_password="x", channels=KEPT) as one:
        one.publish("kept-a", "hi")
