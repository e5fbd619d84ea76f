"""`fws_copy` from a real Redis, with what a node left there, to a real Redis Cluster."""

import subprocess
import sys
from contextlib import closing

import pytest

from filtered_websocket.publisher import Publisher
from filtered_websocket.storage_objects.base import Keep, Pool
from filtered_websocket.storage_objects.redis.address import parse_url
from filtered_websocket.storage_objects.redis.blocking import BlockingConnection
from filtered_websocket.storage_objects.redis.cluster import copying
from filtered_websocket.storage_objects.redis.cluster.blocking import Masters
from tests.support.backends import Backend, message
from tests.support.fws_server import STARTING
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_server import RedisServer

COMMAND = (sys.executable, "-m", "filtered_websocket.commands.fws_copy")
KEPT = {"*": {"history": 100}}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with RedisCluster(tmp_path_factory.mktemp("cluster"), "redis7", replicas=False) as cluster:
        yield cluster


@pytest.fixture
def redis(tmp_path):
    with RedisServer(tmp_path / "redis") as server:
        yield server


def copy(*words):
    done = subprocess.run([*COMMAND, *words], capture_output=True, timeout=STARTING, check=False)
    return done.returncode, (done.stdout + done.stderr).decode()


def ask(cluster, *words):
    """The one reply that is no MOVED."""
    replies = [server.get(*words) for server in cluster.servers]
    [reply] = [reply for reply in replies if not isinstance(reply, Exception)]
    return reply


def test_all_that_is_kept_is_copied_once_and_goes_on(redis, cluster):
    cluster.clear()
    backend = Backend("filtered_websocket.storage_objects.redis", redis_url=redis.url, lease_seconds=0.5)
    try:
        node = backend.node()
        node.add("tokens", "x")
        node.put("map", "field", b"\xff")
        node.store("record", "value", 3600, "owner")
        node.join("room", "member", "holder")
        for number in range(3):
            node.send(message("room", f"{number}"), Keep(100, 3600, Pool("channels")))
        node.send(message("for ever", "x"), Keep(100, 0, Pool("channels")))
        code, said = copy(redis.url, "--redis_url", cluster.url)
        assert (code, said.split(": ")[-1]) == (1, "stop them, so that nothing is left out\n")
    finally:
        backend.close()
    assert copy(redis.url, "--redis_url", cluster.url) == (0, "copied: 1 sets, 1 maps, 1 records, 2 histories\n")
    with Publisher(cluster.url, redis_cluster=True, channels=KEPT) as publisher:
        for channel, count in (("room", 3), ("for ever", 1)):
            history = publisher.where(channel).replace(":c:", ":h:")
            pool = history.partition("h:")[0] + "b:channels"
            items = ask(cluster, "LRANGE", history, 0, -1)
            assert len(items) == count
            cost = sum(len(item) + len(channel) + 512 for item in items)
            assert int(ask(cluster, "HGET", pool, "b")) == int(ask(cluster, "HGET", pool, f"c{channel}")) == cost
            assert (ask(cluster, "PTTL", history) == -1) == (channel == "for ever")
            meta = history.replace(":h:", ":e:")
            epoch = ask(cluster, "HGET", meta, "e")
            publisher.publish(channel, "new")
            # Another Redis, another reign: a bridge says that positions of before go on to count.
            assert ask(cluster, "HMGET", meta, "o", "b") == [b"%d" % (count + 1), b"%b:%d" % (epoch, count)]
    code, said = copy(redis.url, "--redis_url", cluster.url)
    assert code == 1
    assert said.endswith(" is there already: --replace replaces what is\n")
    assert copy("--replace", redis.url, "--redis_url", cluster.url)[0] == 0
    assert not [key for server in cluster.servers for key in server.get("KEYS", "fws:*:p:*")]


def test_what_cannot_be_is_told_in_one_line(redis, cluster):
    assert copy("nonsense", "--redis_url", cluster.url) == (
        1,
        "fws_copy: SOURCE: redis://, rediss:// or unix:// is wanted\n",
    )
    redis.ask("HSET", "fws:about", "format", "9")
    code, said = copy(redis.url, "--redis_url", cluster.url)
    assert code == 1
    assert said.endswith("its data are of format 9, and this version knows 1\n")


def test_servers_of_the_cluster_that_run_already_are_to_be_stopped(redis, cluster):
    cluster.clear()
    backend = Backend(
        "filtered_websocket.storage_objects.redis", redis_url=cluster.url, redis_cluster=True, lease_seconds=3.0
    )
    try:
        backend.node()
        redis.ask("SADD", "fws:s:tokens", "x")
        code, said = copy(redis.url, "--redis_url", cluster.url)
    finally:
        backend.close()
    assert code == 1
    assert "1 servers of the cluster run, or did just now: stop them" in said


class Slow(BlockingConnection):
    """What has an end has it behind its first question."""

    def ask(self, *parts):
        reply = super().ask(*parts)
        if parts[0] == b"DUMP" and super().ask(b"PTTL", parts[1]) > 0:
            super().ask(b"DEL", parts[1])
        return reply


def test_what_ends_while_it_is_copied_does_not_stay_for_ever(redis, cluster):
    cluster.clear()
    redis.ask("SET", "fws:s:ends", "x", "PX", "100000")
    redis.ask("SET", "fws:s:stays", "x")
    with closing(Slow(parse_url(redis.url), 5)) as source, closing(Masters([parse_url(cluster.url)], 5)) as target:
        assert copying.copy(source, target, b"fws:") == {"sets": 1}


def test_the_first_publication_begins_an_epoch_however_late_the_source_was_promoted(redis, cluster):
    cluster.clear()
    with Publisher(redis.url, channels=KEPT) as publisher:
        publisher.publish("room", "old")
    redis.ask("HSET", "fws:e:room", "n", "99999999999999999")
    assert copy(redis.url, "--redis_url", cluster.url)[0] == 0
    with Publisher(cluster.url, redis_cluster=True, channels=KEPT) as publisher:
        publisher.publish("room", "new")
        meta = publisher.where("room").replace(":c:", ":e:")
    assert ask(cluster, "HGET", meta, "b").endswith(b":1")
