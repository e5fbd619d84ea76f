"""Redis storage beyond what all storage objects promise: outages of every kind, and what is in Redis itself."""

import time

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.messages.envelope import MARK
from filtered_websocket.messages.publication import Position
from filtered_websocket.publisher import Publisher
from filtered_websocket.storage_objects.base import Keep, Pool, StorageAway
from filtered_websocket.storage_objects.redis.address import fit, parse_shard
from filtered_websocket.storage_objects.redis.history_scripts import RECOVER, SEND, keep_values
from filtered_websocket.storage_objects.redis.storage_object import StorageObject
from tests.support.backends import Backend, message
from tests.support.log_lines import LogLines
from tests.support.ports import free_port
from tests.support.reactor_thread import call, until
from tests.support.redis_server import RedisServer
from tests.support.storage_child import Child

MODULE = "filtered_websocket.storage_objects.redis"
FAST = {"lease_seconds": 0.6, "redis_heartbeat": 0.1}
KEEP = Keep(1000, 60)


@pytest.fixture
def server(tmp_path):
    """One of this test's own, to be harmed; it keeps its data."""
    with RedisServer(tmp_path / "redis", durable=True) as server:
        yield server


@pytest.fixture
def cluster(server):
    """Nodes on it."""
    backend = Backend(MODULE, redis_url=server.url, **FAST)
    yield backend
    server.thaw()
    backend.close()


@pytest.fixture
def shared(redis_server):
    """Nodes on the server of all tests, found empty."""
    redis_server.ask("FLUSHALL")
    backend = Backend(MODULE, redis_url=redis_server.url, **FAST)
    yield backend
    backend.close()


def send(node, channel, payload, keep=None):
    return node.send(message(channel, payload), keep)


def wait_away(node):
    node.recorder.wait_for(lambda: node.recorder.readiness[-1:] == [False], deadline=5)


def wait_back(node, since=0):
    node.recorder.wait_for(lambda: node.recorder.readiness[since:][-1:] == [True], deadline=5)
    call(node.storage.wait_ready)


def atomically(server, *commands):
    """In one MULTI, so that nothing comes between."""
    words = [("MULTI",), *commands, ("EXEC",)]
    request = b""
    for command in words:
        raw = [word if isinstance(word, bytes) else word.encode() for word in command]
        request += b"*%d\r\n" % len(raw) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in raw)
    return server.send_raw(request)


def kept_by_others(channel, payload, count=1000):
    """The command by which another node appends to a history and publishes."""
    body = b"\0\0\0\0\0\1\0" + len(payload).to_bytes(4, "big") + payload.encode()
    name = channel.encode()
    values = (b"fws:c:" + name, body, *keep_values(Keep(count, 60), b"other", b"fws:"))
    return (b"EVAL", SEND.source, b"2", b"fws:h:" + name, b"fws:e:" + name, *values)


DEAF = ("CLIENT", "KILL", "TYPE", "pubsub")


# Outages.


@pytest.mark.quiet
def test_redis_killed_and_started_again_loses_nothing_that_was_confirmed(server, cluster):
    reader, writer = cluster.node(), cluster.node()
    reader.subscribe("room")
    for number in range(50):
        send(writer, "room", f"{number}", KEEP)
    server.kill()
    started = time.monotonic()
    for node in (reader, writer):
        wait_away(node)
        assert not node.storage.ready
    assert time.monotonic() - started < 5
    for verb, *arguments in (("send", message("room", "no")), ("add", "a", "b"), ("get", "a"), ("join", "a", "b", "c")):
        with pytest.raises(StorageAway):
            getattr(writer, verb)(*arguments)
    server.start()
    returned = time.monotonic()
    for node in (reader, writer):
        wait_back(node)
    assert time.monotonic() - returned < 2
    for number in range(50, 100):
        send(writer, "room", f"{number}", KEEP)
    assert reader.recorder.wait(100) == [b"%d" % number for number in range(100)]
    assert reader.recorder.gaps == []


def test_redis_frozen_and_thawed_makes_no_duplicate_and_deafens_nobody(server, cluster):
    reader, writer = cluster.node(), cluster.node()
    reader.subscribe("room")
    send(writer, "room", "before", KEEP)
    server.freeze()
    in_flight = call(lambda: [writer.storage.send(message("room", "in flight"), KEEP)])[0]
    with pytest.raises(StorageAway, match="unknown"):
        call(lambda: in_flight)
    for node in (reader, writer):
        wait_away(node)
    server.thaw()
    for node in (reader, writer):
        wait_back(node)
    send(writer, "room", "after", KEEP)
    reader.recorder.wait_for(lambda: reader.recorder.payloads[-1] == b"after")
    # It is unknown whether Redis read the one in flight; twice it is never.
    assert reader.recorder.payloads in ([b"before", b"after"], [b"before", b"in flight", b"after"])
    assert reader.recorder.gaps == []


def test_a_gap_is_filled_from_history_in_order_once(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    send(node, "room", "1", KEEP)
    node.recorder.wait(1)
    atomically(redis_server, DEAF, *(kept_by_others("room", str(n)) for n in range(2, 40)))
    wait_back(node, since=1)
    send(node, "room", "40", KEEP)
    assert node.recorder.wait(40) == [b"%d" % n for n in range(1, 41)]
    assert [one.position.offset for one in node.recorder.publications] == list(range(1, 41))
    assert node.recorder.gaps == []


def test_a_history_that_began_during_the_gap_is_read_from_its_beginning(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    atomically(redis_server, DEAF, kept_by_others("room", "1"), kept_by_others("room", "2"))
    assert node.recorder.wait(2) == [b"1", b"2"]
    assert node.recorder.gaps == []


def test_a_gap_that_history_does_not_cover_is_told_and_what_there_is_delivered(shared, redis_server):
    node = shared.node()
    for channel in ("kept", "plain"):
        node.subscribe(channel)
    send(node, "kept", "1", KEEP)
    node.recorder.wait(1)
    atomically(redis_server, DEAF, *(kept_by_others("kept", str(n), count=2) for n in range(2, 6)))
    wait_back(node, since=1)
    assert node.recorder.wait(3) == [b"1", b"4", b"5"]
    assert sorted(node.recorder.gaps) == ["kept", "plain"]
    send(node, "plain", "alive")
    assert node.recorder.wait(4)[-1] == b"alive"


def test_a_history_of_another_epoch_is_a_gap_and_delivered_whole(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    send(node, "room", "old", KEEP)
    node.recorder.wait(1)
    atomically(redis_server, DEAF, ("DEL", "fws:h:room", "fws:e:room"), kept_by_others("room", "new"))
    assert node.recorder.wait(2) == [b"old", b"new"]
    assert node.recorder.gaps.count("room") == 1


def test_a_redis_that_came_back_with_older_data_begins_a_new_epoch(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    positions = [send(node, "room", str(n), KEEP) for n in range(3)]
    node.recorder.wait(3)
    atomically(redis_server, DEAF, ("RPOP", "fws:h:room"), ("HSET", "fws:e:room", "o", "2"))
    wait_back(node, since=1)
    assert node.recorder.gaps.count("room") == 1
    assert send(node, "room", "new", KEEP).epoch != positions[0].epoch
    assert node.since("room", positions[0]) is None


def test_a_redis_that_comes_back_empty_gets_presence_and_counts_back(tmp_path):
    with RedisServer(tmp_path / "redis") as server:
        cluster = Backend(MODULE, redis_url=server.url, **FAST)
        node, other = cluster.node(), cluster.node()
        node.join("room", "ada", "1", "info")
        node.track("room", 3)
        server.kill()
        wait_away(node)
        server.start()
        wait_back(node)
        wait_back(other)
        assert other.members("room") == {"ada": "info"}
        assert other.count("room") == 3
        assert node.recorder.left == other.recorder.left == []
        cluster.close()


def test_subscribing_while_away_is_confirmed_on_return_and_leaving_fails_it(server, cluster):
    node = cluster.node()
    server.kill()
    wait_away(node)
    waiting, left = call(lambda: [node.storage.subscribe("room"), node.storage.subscribe("left")])
    call(lambda: node.storage.unsubscribe("left"))
    with pytest.raises(StorageAway, match="left"):
        call(lambda: left)
    server.start()
    call(lambda: waiting)
    wait_back(node)
    send(node, "room", "here")
    assert node.recorder.wait(1) == [b"here"]


def test_a_queue_keeps_writes_in_order_up_to_its_bound(server):
    cluster = Backend(MODULE, redis_url=server.url, **FAST, redis_queue=3)
    node = cluster.node()
    node.subscribe("room")
    server.kill()
    wait_away(node)
    waiting = call(lambda: [node.storage.send(message("room", str(n)), KEEP) for n in range(4)])
    with pytest.raises(StorageAway, match="not done"):
        call(lambda: waiting[3])
    server.start()
    assert [call(lambda d=d: d).offset for d in waiting[:3]] == [1, 2, 3]
    assert node.recorder.wait(3) == [b"0", b"1", b"2"]
    server.kill()
    wait_away(node)
    (queued,) = call(lambda: [node.storage.add("a", "b")])
    cluster.close()
    with pytest.raises(StorageAway, match="stopped"):
        call(lambda: queued)


def test_what_was_left_while_away_is_made_good_on_return(server, cluster):
    node, other = cluster.node(), cluster.node()
    node.join("room", "gone", "1", "info")
    node.join("room", "stays", "2")
    node.track("room", 1)
    server.kill()
    wait_away(node)
    for verb, *arguments in (("leave", "room", "gone", "1"), ("track", "room", 0)):
        with pytest.raises(StorageAway):
            getattr(node, verb)(*arguments)
    server.start()
    node.recorder.wait_for(lambda: node.recorder.left and node.recorder.empty)
    assert node.recorder.left == [("room", "gone", "info")]
    assert node.recorder.empty == ["room"]
    wait_back(other)
    assert other.members("room") == {"stays": ""}
    assert other.recorder.left == []


def test_a_node_swept_while_it_was_cut_off_claims_its_members_again(shared, redis_server):
    node = shared.node()
    node.join("room", "ada", "1", "info")
    node.track("room", 2)
    name = call(lambda: node.storage._shards.first().leases.held.name)
    # As another node sweeps it: presence and counts go, the name is remembered as swept.
    atomically(
        redis_server,
        ("ZREM", "fws:nodes", name),
        ("SET", b"fws:swept:" + name, "1"),
        *(("DEL", key) for key in ("fws:p:room", b"fws:n:" + name + b":p", b"fws:n:" + name + b":t")),
        *(("DEL", key) for key in ("fws:totals", "fws:occupied")),
    )
    until(lambda: node.storage.members("room"))
    node.recorder.wait_for(lambda: node.recorder.returned)
    assert node.recorder.returned == [("room", "ada", "info")]
    assert node.members("room") == {"ada": "info"}
    assert node.count("room") == 2
    assert node.leave("room", "ada", "1") is True


def test_a_clock_of_redis_that_is_set_forward_sweeps_nobody_who_lives(shared, redis_server):
    nodes = [shared.node(), shared.node()]
    for number, node in enumerate(nodes):
        node.join("room", f"member {number}", "1", "info")
    leases = [node.storage._shards.first().leases for node in nodes]
    names = [call(lambda each=each: each.held.name) for each in leases]
    until(lambda: all(time.monotonic() - each._connected_since > each._seconds for each in leases))  # then they sweep
    for _ in range(30):
        # All leases have ended, as seen from then.
        atomically(redis_server, *(("ZADD", "fws:nodes", "1000", name) for name in names))
        until(lambda: redis_server.ask("ZCOUNT", "fws:nodes", "2000", "+inf") == b":2\r\n")
        until(lambda: not any(each._ended for each in leases))  # nobody waits for a second look
    assert nodes[0].members("room").keys() == {"member 0", "member 1"}
    for node in nodes:
        assert (node.recorder.left, node.recorder.returned) == ([], [])


def test_a_clock_of_redis_that_is_set_back_keeps_no_dead_node_alive(shared, redis_server):
    survivor = shared.node()
    with Child(MODULE, "hold", shared.settings) as child:
        assert child.line() == "holding"
        names = [name for name in redis_server.ask("ZRANGE", "fws:nodes", "0", "-1").split(b"\r\n") if len(name) == 32]
        child.kill()
    own = call(lambda: survivor.storage._shards.first().leases.held.name)
    (dead,) = [name for name in names if name != own]
    hour = 3_600_000
    before = int(redis_server.ask("GET", "fws:clock").split()[1])
    atomically(redis_server, ("ZINCRBY", "fws:nodes", str(hour), dead), ("SET", "fws:clock", str(before + hour)))
    survivor.recorder.wait_for(lambda: len(survivor.recorder.left) == 2)
    assert survivor.members("room") == {}


def test_a_join_that_finds_the_lease_ended_is_told_the_right_edge(shared, redis_server):
    node = shared.node(lease_seconds=60.0)
    node.join("room", "ada", "1")
    redis_server.ask("ZREM", "fws:nodes", call(lambda: node.storage._shards.first().leases.held.name))
    assert node.join("room", "ada", "2") is False
    redis_server.ask("ZREM", "fws:nodes", call(lambda: node.storage._shards.first().leases.held.name))
    assert node.join("room", "bob", "3") is True
    redis_server.ask("ZREM", "fws:nodes", call(lambda: node.storage._shards.first().leases.held.name))
    assert node.track("room", 1) == 1
    assert node.members("room") == {"ada": "", "bob": ""}


# Reaching it.


def test_a_redis_that_is_not_there_at_start_is_tried_until_it_is(tmp_path):
    with RedisServer(tmp_path / "redis") as server, LogLines() as lines:
        server.kill()
        cluster = Backend(MODULE, redis_url=server.url, **FAST)
        node = cluster.node(wait=False)
        with pytest.raises(StorageAway):
            node.get("set")
        server.start()
        call(node.storage.wait_ready)
        cluster.close()
    mine = [line for line in lines if "Redis at" in line]
    assert len(mine) == 2
    assert mine[1].endswith("connected")


@pytest.mark.parametrize("settings", [{"redis_password": "wrong secret"}, {}])
def test_a_wrong_password_is_one_line_without_it_and_no_end_of_trying(tmp_path, settings):
    with RedisServer(tmp_path / "redis", "--requirepass", "right secret") as server, LogLines() as lines:
        cluster = Backend(MODULE, redis_url=server.url, **FAST, **settings)
        node = cluster.node(wait=False)
        until(lambda: "Redis at" in "".join(lines))
        # Tried again and again, and told once.
        until(lambda: node.storage._shards.first()._commands._attempts > 3)
        (line,) = [line for line in lines if "Redis at" in line]
        assert "WRONGPASS" in line or "NOAUTH" in line
        new = settings.get("redis_password", "")
        server.send_raw(b'AUTH "right secret"\r\nCONFIG SET requirepass "%b"\r\n' % new.encode())
        call(node.storage.wait_ready)
        cluster.close()
    assert not [line for line in lines if "secret" in line]


def test_a_host_that_is_not_there_is_one_line_and_stopping_is_prompt():
    with LogLines() as lines:
        cluster = Backend(MODULE, redis_host="no-such-host.invalid", **FAST)
        cluster.node(wait=False)
        until(lambda: any("no-such-host.invalid:6379" in line for line in lines))
        cluster.close()


def test_password_user_and_database_are_used(tmp_path):
    with RedisServer(tmp_path / "redis", "--user", *["app", "on", ">key", "~*", "&*", "+@all"], tcp=True) as server:
        url = f"redis://app:key@127.0.0.1:{server.port}/3"
        cluster = Backend(MODULE, redis_url=url, **FAST)
        node = cluster.node()
        node.add("set", "value")
        assert b"db3:keys" in server.ask("INFO", "keyspace")
        cluster.close()


def test_what_the_query_of_a_url_says_is_used_by_servers_and_publishers_alike(tmp_path):
    with RedisServer(tmp_path / "redis", "--requirepass", "pa/ss") as server:
        url = f"unix://{server.path}?password=pa%2Fss&db=5&client_name=chat"
        node = Backend(MODULE, redis_url=url).node()
        node.add("set", "value")
        node.subscribe("room")
        with Publisher(url) as publisher:
            publisher.publish("room", "hi")
            said = server.send_raw(b"AUTH pa/ss\r\nSELECT 5\r\nKEYS fws:s:*\r\nCLIENT LIST\r\n")
        assert node.recorder.wait(1) == [b"hi"]
        assert b"fws:s:set" in said
        assert said.count(b"name=chat") == 3
        node.stop()


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
            whom = ("by node", "kept by node", "by publisher", "kept by publisher", "by others")
            node.recorder.wait(5)
            assert sorted(node.recorder.payloads) == sorted(f"{by} {number}".encode() for by in whom)
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


def test_sentinel_names_the_master_and_its_successor(tmp_path):
    with (
        RedisServer(tmp_path / "master", tcp=True) as master,
        RedisServer(tmp_path / "replica", "--replicaof", "127.0.0.1", str(master.port), tcp=True) as replica,
    ):
        until(lambda: b"state=online" in master.ask("INFO", "replication"))
        config = tmp_path / "sentinel.conf"
        config.write_text(
            f"sentinel monitor fws 127.0.0.1 {master.port} 1\nsentinel down-after-milliseconds fws 200\n"
            "sentinel failover-timeout fws 2000\n"
        )
        with RedisServer.sentinel(tmp_path, config) as sentinel:
            places = f"127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}"  # the first is not there
            cluster = Backend(MODULE, redis_sentinel=f"fws@{places}", **FAST)
            node = cluster.node()
            node.add("set", "value")
            until(lambda: b"value" in replica.ask("SMEMBERS", "fws:s:set"))
            until(lambda: b"slaves=1" in sentinel.ask("INFO", "sentinel"))
            node.subscribe("room")
            master.kill()
            wait_away(node)
            node.recorder.wait_for(lambda: node.recorder.readiness[-1], deadline=15)
            send(node, "room", "after")
            assert node.recorder.wait(1) == [b"after"]
            assert node.get("set") == {"value"}
            assert b"role:master" in replica.ask("INFO", "replication")
            cluster.close()


def test_options_that_exclude_each_other_are_refused():
    for settings in (
        {"redis_url": "redis://a", "redis_shards": ["b", "c"]},
        {"redis_url": "redis://a", "redis_sentinel": "m@b"},
        {"redis_shards": ["a", "a:6379"]},
    ):
        with pytest.raises(ConfigError, match="redis_"):
            Backend(MODULE, **settings).make()


# What is in Redis.


def test_sets_are_redis_sets_and_the_bus_is_raw(shared, redis_server):
    node = shared.node()
    node.add("group", "ä")
    assert "ä".encode() in redis_server.ask("SMEMBERS", "fws:s:group")
    redis_server.ask("SADD", "fws:s:group", "by hand")
    assert node.get("group") == {"ä", "by hand"}
    redis_server.ask("SET", "ws-emit::room_secret::room", b"\xffsecret")
    assert node.read("ws-emit::room_secret::room") == b"\xffsecret"
    redis_server.ask("PUBLISH", "global", "hi")
    node.recorder.wait_for(lambda: node.recorder.bus)
    assert node.recorder.bus == [{"type": "message", "pattern": None, "channel": b"global", "data": b"hi"}]
    with pytest.raises(ValueError, match="own"):
        node.listen("fws:c:room")


def test_what_others_publish_to_a_channel_is_a_message_and_garbage_is_dropped(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    with LogLines() as lines:
        for data in (b"hi", MARK + b"garbage", MARK, b"\xfe\x00"):
            redis_server.ask("PUBLISH", "fws:c:room", data)
        node.recorder.wait(2)
    assert [one.messages for one in node.recorder.publications] == [((b"hi", False),), ((b"\xfe\x00", True),)]
    assert len([line for line in lines if "dropped" in line]) == 1


def test_nothing_that_nodes_hold_is_without_expiry(shared, redis_server):
    node, other = shared.node(), shared.node()
    node.subscribe("room")
    for one in (node, other):
        one.join("room", "ada", "1")
        one.track("room", 2)
        send(one, "room", "x", KEEP)
        one.position("other")
    keys = [line for line in redis_server.ask("KEYS", "*").split(b"\r\n") if line.startswith(b"fws:")]
    assert len(keys) >= 8
    assert [key for key in keys if redis_server.ask("TTL", key) == b":-1\r\n"] == []


def test_what_a_version_without_pools_has_kept_is_read_and_leaves_first(shared, redis_server):
    """A rolling upgrade: both write to the same histories for a while."""
    node = shared.node()
    pool = Pool("two", 2 * 3000)

    def old(number):
        envelope = b"\xffold:%d\n" % number + b"\0\0\0\0\0\1\0\0\0\x08\0" + b"o" * 2048
        redis_server.ask("RPUSH", "fws:h:room", b"0 " + envelope)
        redis_server.ask("HSET", "fws:e:room", "e", "old", "o", str(number))

    old(1)
    send(node, "room", "n" * 2048, Keep(100, 0, pool))
    old(3)
    assert [one.position for one in node.latest("room", 0, 10)] == [Position("old", n) for n in (3, 2, 1)]
    for channel in ("a", "b"):
        send(node, channel, "n" * 2048, Keep(100, 0, pool))
    assert [one.position.offset for one in node.latest("room", 0, 10)] == [3, 2]
    send(node, "room", "n", Keep(1, 0, pool))
    counted = [int(redis_server.ask("HGET", "fws:b:two", field).split()[1]) for field in ("b", "croom", "ca", "cb")]
    assert counted[0] == sum(counted[1:])
    assert 512 < counted[1] < 600


def test_scripts_that_were_flushed_are_sent_again_in_order(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    redis_server.ask("SCRIPT", "FLUSH")
    sent = call(lambda: [node.storage.send(message("room", str(n)), KEEP) for n in range(20)])
    assert [call(lambda d=d: d).offset for d in sent] == list(range(1, 21))
    assert node.recorder.wait(20) == [b"%d" % n for n in range(20)]


def test_publications_of_one_turn_share_a_write(shared, redis_server):
    node = shared.node(redis_heartbeat=60.0, lease_seconds=60.0)

    def reads():
        line = next(x for x in redis_server.ask("INFO", "stats").split(b"\r\n") if x.startswith(b"total_reads_pro"))
        return int(line.partition(b":")[2])

    before = reads()
    sent = call(lambda: [node.storage.send(message("room", str(n))) for n in range(100)])
    call(lambda: sent[-1])
    assert reads() - before <= 10  # of which the questions of this test are some


def test_an_error_of_redis_fails_that_call_only(shared, redis_server):
    node = shared.node()
    redis_server.ask("SET", "fws:s:group", "no set")
    with pytest.raises(Exception, match="WRONGTYPE"):
        node.get("group")
    with pytest.raises(ValueError, match="too large"):
        call(lambda: node.storage.send(message("room", "x", "i" * 70_000)))
    assert node.get("other") is None
    assert node.storage.ready


def test_a_consumer_that_fails_does_not_cost_the_connection(shared):
    node = shared.node()

    def fail(_):
        raise RuntimeError("a filter")

    node.subscribe("room")
    consume, node.recorder.consume = node.recorder.consume, fail
    send(node, "room", "lost")
    node.recorder.consume_bus = fail
    node.publish("global", "lost")
    node.recorder.consume = consume
    send(node, "room", "next")
    node.recorder.wait_for(lambda: node.recorder.payloads[-1:] == [b"next"])
    assert node.recorder.readiness == [True]


def test_large_histories_and_payloads_come_back(shared):
    node = shared.node(
        redis_heartbeat=5.0
    )  # on a busy machine Redis is silent for longer than elsewhere in these tests
    node.subscribe("room")
    sent = call(lambda: [node.storage.send(message("room", str(n)), Keep(5000, 60)) for n in range(5000)])
    first = call(lambda: sent[0])
    assert len(node.since("room", first)) == 4999
    send(node, "room", "x" * 5_000_000, Keep(5000, 60))
    assert len(node.recorder.wait(5001)[-1]) == 5_000_000


def test_an_unstarted_storage_object_says_so():
    storage = Backend(MODULE).make()
    with pytest.raises(RuntimeError, match="started"):
        storage.get("key")
    assert isinstance(storage, StorageObject)
    assert not storage.ready
    assert RECOVER.sha != SEND.sha
    assert Position("e", 1) == ("e", 1)
