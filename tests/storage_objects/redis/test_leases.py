"""What nodes hold, and what becomes of it when one dies."""

import time

import pytest

from filtered_websocket.storage_objects.base import StorageAway
from tests.support.backends import Backend
from tests.support.reactor_thread import call, until
from tests.support.redis_nodes import FAST, KEEP, MODULE, atomically, send, wait_away, wait_back
from tests.support.redis_server import RedisServer
from tests.support.storage_child import Child


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


def test_a_clock_of_redis_that_is_set_forward_sweeps_no_node_that_lives(shared, redis_server):
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
