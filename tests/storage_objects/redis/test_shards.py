"""Channels on several Redises, and deployments on one."""

from filtered_websocket.publisher import Publisher
from filtered_websocket.storage_objects.redis.address import fit, parse_shard
from tests.support.backends import Backend
from tests.support.redis_nodes import FAST, KEEP, MODULE, send, wait_away
from tests.support.redis_server import RedisServer


def test_deployments_on_databases_of_one_redis_hear_nothing_of_each_other(tmp_path):
    with RedisServer(tmp_path / "redis") as server:
        urls = [f"{server.url}?db={number}" for number in (0, 1, 12)]
        nodes = [Backend(MODULE, redis_url=url).node() for url in urls]
        publishers = [Publisher(url, channels={"kept": {"history": 10}}) for url in urls]
        for node in nodes:
            for channel in ("room", "kept"):
                node.subscribe(channel)
            node.listen("bus")
        for number, (node, publisher) in enumerate(zip(nodes, publishers, strict=True)):
            send(node, "room", f"by node {number}")
            send(node, "kept", f"kept by node {number}", KEEP)
            publisher.publish("room", f"by publisher {number}")
            publisher.publish("kept", f"kept by publisher {number}")
            assert publisher.nodes("room") == 1
        for number, name in enumerate(("fws:c:room", "fws:@1:c:room", "fws:@12:c:room")):
            server.ask("PUBLISH", name, f"by others {number}")
        server.ask("PUBLISH", "bus", "raw")
        for number, node in enumerate(nodes):
            origins = ("by node", "kept by node", "by publisher", "kept by publisher", "by others")
            node.recorder.wait(5)
            assert sorted(node.recorder.payloads) == sorted(f"{by} {number}".encode() for by in origins)
            node.recorder.wait_for(lambda node=node: len(node.recorder.bus) == 1)  # raw names are everybody's
        for each in publishers:
            each.close()
        for node in nodes:
            node.stop()


def ten_of_each(*shards):
    """Channels, ten for each Redis. How many of any twenty each has hangs on the paths of their sockets."""
    names = [f"room {number}" for number in range(200)]
    whose = {name: max(shards, key=lambda shard: fit(shard, name.encode())) for name in names}
    return [name for shard in shards for name in [name for name in names if whose[name] == shard][:10]]


def test_several_redises_share_the_channels(tmp_path, redis_server):
    redis_server.ask("FLUSHALL")
    with RedisServer(tmp_path / "second") as second:
        shards = [redis_server.url, second.url]
        cluster = Backend(MODULE, redis_shards=shards, **FAST)
        one, other = cluster.node(), cluster.node()
        channels = ten_of_each(*map(parse_shard, shards))
        for channel in channels:
            one.subscribe(channel)
            send(other, channel, channel, KEEP)
            other.add(channel, "value")
            other.track(channel, 1)
        assert sorted(one.recorder.wait(20)) == sorted(channel.encode() for channel in channels)
        assert one.occupied("room") == dict.fromkeys(channels, 1)
        assert all(one.get(channel) == {"value"} for channel in channels)
        kept = [server.ask("KEYS", "fws:h:*").count(b"fws:h:") for server in (redis_server, second)]
        assert kept == [10, 10]
        one.listen("news")
        for server in (redis_server, second):
            server.ask("PUBLISH", "news", "raw")
        one.recorder.wait_for(lambda: len(one.recorder.bus) == 2)
        other.publish("news", "ours")
        one.recorder.wait_for(lambda: len(one.recorder.bus) == 3)
        second.kill()
        wait_away(one)
        cluster.close()
