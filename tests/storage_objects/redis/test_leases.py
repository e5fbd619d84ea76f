"""What nodes hold, and what becomes of it when one dies."""

import time

import pytest
from twisted.internet.defer import gatherResults, succeed

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.shared.presence import Presence
from filtered_websocket.storage_objects.base import StorageAway
from filtered_websocket.storage_objects.redis.connection import RedisConnection
from filtered_websocket.storage_objects.redis.parts import PART
from tests.support.backends import Backend, message
from tests.support.reactor_thread import call, until
from tests.support.redis_nodes import FAST, KEEP, MODULE, atomically, send, wait_away, wait_back
from tests.support.redis_server import RedisServer
from tests.support.storage_child import Child

PATIENT = {"lease_seconds": 3600.0, "redis_heartbeat": 2.0}
"""A disk that others use as well may keep a Redis that keeps its data busy for long."""


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
    keys.remove(b"fws:about")
    assert len(keys) >= 8
    assert [key for key in keys if redis_server.ask("TTL", key) == b":-1\r\n"] == []


def commands_in(server):
    """What Redis has done so far: calls of each command, and bytes it has sent."""
    stats = server.ask("INFO", "commandstats").decode()
    calls = {name: int(rest.split(",")[0].removeprefix("calls=")) for name, rest in pairs(stats, "cmdstat_")}
    return calls, int(dict(pairs(server.ask("INFO", "stats").decode()))["total_net_output_bytes"])


def pairs(info, prefix=""):
    return [line.removeprefix(prefix).split(":", 1) for line in info.split("\r\n") if ":" in line and prefix in line]


def test_what_a_join_and_a_leave_cost_does_not_depend_on_how_many_are_there(shared, redis_server):
    quiet = {"lease_seconds": 3600.0, "redis_heartbeat": 3600.0}
    node, costs = shared.node(**quiet), []
    for room, members in (("small", 10), ("large", 1000)):
        call(lambda room=room, members=members: joined(node, room, members))
        told = []

        def published(*what, told=told):
            told.append(what)
            return succeed(None)

        presence = Presence(node.storage, published, published)
        calls, sent = commands_in(redis_server)
        for _ in range(10):
            call(lambda presence=presence, room=room: start(presence.join(room, "ada", "1", "info", 5000)))
            call(lambda presence=presence, room=room: start(presence.leave(room, "ada", "1", "info")))
        calls_after, sent_after = commands_in(redis_server)
        assert len(told) == 20
        costs.append(({name: calls_after[name] - calls.get(name, 0) for name in calls_after}, sent_after - sent))
    (few, bytes_of_few), (many, bytes_of_many) = costs
    assert few == many
    assert (many["hlen"], many.get("hgetall", 0)) == (10, 0)
    # What INFO itself tells becomes some bytes longer.
    assert abs(bytes_of_many - bytes_of_few) < 500


def joined(node, room, members):
    return gatherResults([node.storage.join(room, f"member {number}", f"{number}", "x") for number in range(members)])


def most_waiting(node):
    """How many replies were waited for at a time, at most, from now on; also on the connections to come."""
    most = [0]
    ask = RedisConnection.ask

    def counted(self, *arguments, **named):
        answer = ask(self, *arguments, **named)
        most[0] = max(most[0], len(self._waiting))
        return answer

    return most, counted


def test_a_node_that_holds_much_claims_and_refreshes_it_in_parts(shared, redis_server, monkeypatch):
    node = shared.node(**PATIENT)
    call(lambda: joined(node, "room", 1000))
    call(lambda: gatherResults([node.storage.join(f"room {n}", "ada", "1") for n in range(1000)]))
    call(lambda: gatherResults([node.storage.track(f"room {n}", 1) for n in range(1000)]))
    most, counted = most_waiting(node)
    monkeypatch.setattr(RedisConnection, "ask", counted)
    leases = node.storage._shards.first().leases
    leases.held._refreshed = -1e9
    before, _ = commands_in(redis_server)
    call(lambda: leases.held.refresh())
    after, _ = commands_in(redis_server)
    assert after["expire"] - before["expire"] == 1001
    # The lease has ended: all is claimed, under a new name.
    redis_server.ask("ZADD", "fws:nodes", "0", call(lambda: leases.held.name))
    assert node.join("room", "ada", "1") is True
    assert PART <= most[0] <= PART + 5
    assert node.member_count("room") == 1001
    until(lambda: node.storage.count("room 7").addCallback(lambda count: count == 1))  # the old name is swept


def test_after_an_outage_too_it_is_claimed_in_parts(server, cluster, monkeypatch):
    node = cluster.node(**PATIENT)
    call(lambda: joined(node, "room", 1000))
    call(lambda: gatherResults([node.storage.subscribe(f"room {n}") for n in range(1000)]))
    call(lambda: gatherResults([node.storage.send(message(f"room {n}", ""), KEEP) for n in range(1000)]))
    most, counted = most_waiting(node)
    monkeypatch.setattr(RedisConnection, "ask", counted)
    node.storage._shards.first().leases._dirty = True
    since = len(node.recorder.readiness)
    server.kill()
    wait_away(node)
    server.start()
    wait_back(node, since + 1)
    assert most[0] <= PART + 20
    assert node.member_count("room") == 1000


def test_what_is_left_while_all_is_claimed_anew_is_left(shared, redis_server):
    node, other = shared.node(**PATIENT), shared.node()
    call(lambda: joined(node, "room", 500))
    name = call(lambda: node.storage._shards.first().leases.held.name)
    redis_server.ask("ZADD", "fws:nodes", "0", name)

    def while_it_claims():
        first = node.storage.join("room", "first", "1")
        leaving = []

        def leave_some(_):
            # The first of what is claimed, the last, and what nobody has claimed yet.
            leaving.extend(node.storage.leave("room", f"member {n}", f"{n}") for n in (0, 250, 499))
            leaving.append(node.storage.join("room", "late", "1"))

        node.storage.member("room", "first").addCallback(leave_some)
        return first.addCallback(lambda joined: gatherResults([succeed(joined), *leaving]))

    assert call(while_it_claims) == [True, True, True, True, True]
    until(lambda: redis_server.ask("ZCARD", "fws:nodes") == b":2\r\n" and node.storage.member_count("room"))
    assert node.member_count("room") == 500 - 3 + 2
    assert other.members("room").keys() == {
        *(f"member {n}" for n in range(500) if n not in (0, 250, 499)),
        "first",
        "late",
    }


def test_others_hear_once_of_what_left_while_redis_was_away_and_of_nothing_else(server, cluster):
    node, other = cluster.node(**PATIENT), cluster.node(**PATIENT)
    for member, holder in (("gone", "1"), ("held elsewhere", "1"), ("back", "1"), ("stays", "1")):
        node.join("room", member, holder, member)
    other.join("room", "held elsewhere", "2")
    for channel in ("vacant", "shared", "full again"):
        node.track(channel, 2)
    other.track("shared", 1)
    server.kill()
    wait_away(node)
    for member in ("gone", "held elsewhere", "back"):
        with pytest.raises(StorageAway):
            node.leave("room", member, "1")
    for channel, count in (("vacant", 0), ("shared", 0), ("full again", 0), ("full again", 1)):
        with pytest.raises(StorageAway):
            node.track(channel, count)
    server.start()
    wait_back(node)
    wait_back(other)
    node.recorder.wait_for(lambda: len(node.recorder.left) == 2 and node.recorder.empty)
    assert node.join("room", "back", "1", "back") is True
    assert sorted(node.recorder.left) == [("room", "back", "back"), ("room", "gone", "gone")]
    assert node.recorder.empty == ["vacant"]
    assert (other.recorder.left, other.recorder.empty) == ([], [])
    assert node.members("room").keys() == {"held elsewhere", "back", "stays"}
    assert [node.count(channel) for channel in ("vacant", "shared", "full again")] == [0, 1, 1]


def test_who_leaves_while_the_node_comes_back_does_not_stay(server, cluster):
    """Connected, and not yet open: what is claimed is under way."""
    node = cluster.node(redis_heartbeat=2.0)
    call(lambda: joined(node, "room", 300))
    leases = node.storage._shards.first().leases
    leases._dirty = True
    claim, left = leases.held.claim, []

    def claim_and_leave(name):
        asked = claim(name)
        if not left:
            left.append(node.storage.leave("room", "member 0", "0").addErrback(lambda failure: None))
        return asked

    leases.held.claim = claim_and_leave
    server.kill()
    wait_away(node)
    server.start()
    node.recorder.wait_for(lambda: node.recorder.left)
    assert node.recorder.left == [("room", "member 0", "x")]
    assert node.member_count("room") == 299


def test_members_that_others_swept_while_all_was_claimed_are_said_to_be_back(shared, redis_server):
    node = shared.node(**PATIENT)
    call(lambda: joined(node, "room", 3))
    leases = node.storage._shards.first().leases
    claim = leases.held.claim
    name = call(lambda: leases.held.name)
    swept = []

    def claim_after_the_sweep(claimed):
        if not swept:
            swept.append(claimed)
            atomically(redis_server, ("SET", b"fws:swept:" + name, "1"), ("DEL", "fws:p:room"))
        return claim(claimed)

    leases.held.claim = claim_after_the_sweep
    leases._dirty = True
    call(lambda: leases._renew())
    node.recorder.wait_for(lambda: len(node.recorder.returned) == 3)
    assert sorted(node.recorder.returned) == [("room", f"member {n}", "x") for n in range(3)]


def test_a_leave_that_redis_refuses_for_a_while_is_made_good(server, cluster):
    """As simstudioai/sim#5930 has it: the client is gone, nobody tries again, and others see it for ever."""
    node, other = cluster.node(), cluster.node()
    node.join("room", "ada", "1", "info")
    node.track("room", 1)
    server.ask("ACL", "SETUSER", "default", "-evalsha")
    for verb, *arguments in (("leave", "room", "ada", "1"), ("track", "room", 0)):
        with pytest.raises(Exception, match=r"NOPERM|away|lost"):
            getattr(node, verb)(*arguments)
    server.ask("ACL", "SETUSER", "default", "+evalsha")
    told = node.recorder, other.recorder
    until(lambda: sum(len(each.left) for each in told) == sum(len(each.empty) for each in told) == 1)
    until(lambda: other.storage.member_count("room").addCallback(lambda count: count == 0))


def test_of_a_member_that_many_hold_the_sweep_takes_out_what_the_dead_node_held(shared):
    stopping, staying = shared.node(), shared.node()
    odd = ["],[", ",", "", '"', '\\"]', "[", 'x],["y', "plain", *(f"holder {n}" for n in range(300))]
    for member in ("ada", "bob"):
        call(lambda member=member: gatherResults([stopping.storage.join("room", member, each, each) for each in odd]))
    staying.join("room", "ada", '"],["', "mine")
    stopping.join("room", "ada", "last", "last")
    stopping.stop()
    staying.recorder.wait_for(lambda: staying.recorder.left)
    until(lambda: staying.storage.members("room").addCallback(lambda members: members == {"ada": "mine"}))
    ((channel, member, info),) = staying.recorder.left
    assert (channel, member) == ("room", "bob")
    assert info in odd
    assert staying.leave("room", "ada", '"],["') is True
