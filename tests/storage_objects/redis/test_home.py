"""What Redis has lost, or had put back, nobody is told to have: readers get the right rest, or are told of a gap."""

import shutil

import pytest

from filtered_websocket.errors import ConfigError, StorageAway
from filtered_websocket.messages.publication import Position
from filtered_websocket.publisher import Publisher
from filtered_websocket.storage_objects.redis.home import count_of_masters, home_of
from tests.support.backends import Backend, message
from tests.support.log_lines import LogLines
from tests.support.reactor_thread import until
from tests.support.redis_nodes import FAST, KEEP, MODULE, send, wait_away, wait_back
from tests.support.redis_server import RedisServer


@pytest.fixture
def forgetful(tmp_path):
    """A server that comes back with what it had when it was last told to SAVE."""
    with RedisServer(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def nodes(forgetful):
    backend = Backend(MODULE, redis_url=forgetful.url, **FAST)
    yield backend
    forgetful.thaw()
    backend.close()


def restart(server, *nodes):
    back = [len(node.recorder.readiness) for node in nodes]
    server.kill()
    for node in nodes:
        wait_away(node)
    server.start()
    for node, since in zip(nodes, back, strict=True):
        wait_back(node, since + 1)


def numbers(publications):
    return None if publications is None else [int(each.payload) for each in publications]


def sent(node, *payloads):
    return [send(node, "room", str(payload), KEEP) for payload in payloads]


def test_readers_of_before_and_beyond_what_was_lost_get_the_right_rest(forgetful, nodes):
    """Ten were sent, and two of them are lost: what comes then has offsets that were given out before."""
    node, late = nodes.node(), nodes.node()
    node.subscribe("room")
    sent(node, *range(1, 9))
    forgetful.ask("SAVE")
    *_, tenth = sent(node, 9, 10)
    node.recorder.wait(10)
    restart(forgetful, node, late)
    eighth, sixth = tenth._replace(offset=8), tenth._replace(offset=6)
    assert [node.since("room", each) for each in (tenth, eighth)] == [[], []]
    assert numbers(node.since("room", sixth)) == [7, 8]
    assert late.subscribe("room") == eighth
    assert node.subscribe("room") == tenth
    new = sent(late, 101, 102, 103)
    assert [position.offset for position in new] == [9, 10, 11]
    assert {position.epoch for position in new} & {tenth.epoch} == set()
    for each in (tenth, eighth):
        assert numbers(node.since("room", each)) == [101, 102, 103]
    found = node.since("room", sixth)
    assert numbers(found) == [7, 8, 101, 102, 103]
    assert [each.position for each in found] == [new[0]._replace(offset=offset) for offset in range(7, 12)]
    assert numbers(node.since("room", sixth, 3)) == [7, 8, 101]
    assert numbers(node.since("room", new[1])) == [103]
    # Who was there all the time misses nothing, and nothing comes twice.
    assert [int(payload) for payload in node.recorder.wait(13)] == [*range(1, 11), 101, 102, 103]
    assert [int(payload) for payload in late.recorder.wait(3)] == [101, 102, 103]
    assert "room" not in node.recorder.gaps + late.recorder.gaps
    assert node.recorder.phantoms == []


def test_a_node_that_was_away_over_it_gets_the_rest_too(forgetful, nodes):
    node, other = nodes.node(), nodes.node()
    sent(node, 1, 2)
    other.subscribe("room")
    sent(node, 3, 4)
    other.recorder.wait(2)
    forgetful.ask("SAVE")
    sent(node, 5)
    other.recorder.wait(3)
    forgetful.kill()
    wait_away(other)
    forgetful.start()
    with Publisher(forgetful.url, channels={"*": {"history": 1000, "history_seconds": 60}}) as publisher:
        for payload in ("101", "102"):
            publisher.publish("room", payload)
    assert [int(payload) for payload in other.recorder.wait(5)] == [3, 4, 5, 101, 102]
    assert "room" not in other.recorder.gaps


@pytest.mark.parametrize("times", [2, 4, 5])
def test_it_is_proven_over_several_in_a_row_and_over_more_not_claimed(forgetful, nodes, times):
    node = nodes.node()
    node.subscribe("room")
    (first, *_) = sent(node, 1, 2)
    forgetful.ask("SAVE")
    expected = [1, 2]
    for number in range(times):
        expected += [100 * number, 100 * number + 1]
        sent(node, 100 * number)
        node.recorder.wait(len(expected) - 1)
        restart(forgetful, node)  # it is lost
        sent(node, 100 * number + 1)
        node.recorder.wait(len(expected))
        forgetful.ask("SAVE")
    kept = [100 * number + 1 for number in range(times)]
    assert numbers(node.since("room", first)) == (None if times > 4 else [2, *kept])
    assert numbers(node.since("room", first._replace(offset=3))) == (None if times > 4 else kept)
    assert [int(payload) for payload in node.recorder.wait(len(expected))] == expected
    assert "room" not in node.recorder.gaps


def test_a_backup_that_is_put_back_twice_gives_no_position_away_twice(forgetful, nodes, tmp_path):
    node = nodes.node()
    node.subscribe("room")
    sent(node, 1, 2, 3)
    forgetful.ask("SAVE")
    backup = tmp_path / "backup.rdb"
    shutil.copy(forgetful.folder / "dump.rdb", backup)
    seen = {}
    *_, before = sent(node, 4, 5)
    for number in (100, 200, 300):
        forgetful.ask("SAVE")
        forgetful.kill()
        wait_away(node)
        shutil.copy(backup, forgetful.folder / "dump.rdb")
        back = len(node.recorder.readiness)
        forgetful.start()
        wait_back(node, back)
        for payload in (number, number + 1):
            (position,) = sent(node, payload)
            assert position not in seen
            seen[position] = payload
    assert numbers(node.since("room", before)) == [300, 301]
    others = [position for position, payload in seen.items() if payload < 300]
    assert [node.since("room", position) for position in others] == [None] * 4


def test_a_redis_that_comes_back_empty_proves_nothing(forgetful, nodes):
    node = nodes.node()
    node.subscribe("room")
    *_, third = sent(node, 1, 2, 3)
    node.recorder.wait(3)
    restart(forgetful, node)
    assert (node.recorder.gaps.count("room"), node.recorder.stands[-1]) == (1, None)
    assert node.since("room", third) is None
    (new,) = sent(node, 4)
    assert (new.offset, new.epoch == third.epoch) == (1, False)
    assert node.since("room", third) is None
    assert node.recorder.wait(4)[-1] == b"4"


def test_a_master_that_was_a_replica_for_a_moment_is_noticed_though_no_connection_was_lost(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    first, second = sent(node, 1, 2)
    redis_server.ask("REPLICAOF", "127.0.0.1", "1")
    redis_server.ask("REPLICAOF", "NO", "ONE")
    wait_back(node, since=1)
    (third,) = sent(node, 3)
    assert (third.offset, third.epoch == second.epoch) == (3, False)
    assert numbers(node.since("room", first)) == [2, 3]
    assert [int(payload) for payload in node.recorder.wait(3)] == [1, 2, 3]
    assert node.recorder.gaps == []


def test_a_write_that_a_replica_refuses_ends_the_connection(shared, redis_server):
    node = shared.node(redis_heartbeat=30)
    redis_server.ask("REPLICAOF", "127.0.0.1", "1")
    try:
        with LogLines() as lines, pytest.raises(Exception, match=r"READONLY|lost"):
            send(node, "room", "1", KEEP)
        wait_away(node)
        assert any("no master (any more)" in line for line in lines)
    finally:
        redis_server.ask("REPLICAOF", "NO", "ONE")
    wait_back(node)
    assert send(node, "room", "1", KEEP).offset == 1


def test_a_master_that_is_made_a_replica_is_noticed_though_it_takes_all_that_is_published(shared, redis_server):
    """PUBLISH is no write to Redis: a replica answers it, and nobody hears."""
    node = shared.node()
    node.subscribe("room")
    redis_server.ask("REPLICAOF", "127.0.0.1", "1")
    try:
        wait_away(node)
        with pytest.raises(StorageAway):
            send(node, "room", "1")
    finally:
        redis_server.ask("REPLICAOF", "NO", "ONE")
    wait_back(node, since=1)
    send(node, "room", "2")
    assert node.recorder.wait(1) == [b"2"]


def test_within_a_reign_epochs_stay_whoever_comes_and_goes(shared, redis_server):
    one = shared.node()
    first = send(one, "room", "1", KEEP)
    redis_server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    other = shared.node()
    with Publisher(redis_server.url, channels={"*": {"history": 9}}) as publisher:
        publisher.publish("room", "2")
        publisher.close()
        publisher.publish("room", "3")
    assert send(other, "room", "4", KEEP) == first._replace(offset=4)
    assert redis_server.ask("HGET", "fws:about", "format") == b"$1\r\n1\r\n"


def test_where_info_is_not_allowed_it_works_and_the_log_says_what_is_not_certain(shared, redis_server):
    redis_server.ask("ACL", "SETUSER", "narrow", "on", ">secret", "~*", "&*", "+@all", "-info")
    try:
        with LogLines() as lines:
            node = shared.node(redis_username="narrow", redis_password="secret")
        (line,) = [line for line in lines if "info" in line.lower()]
        assert "nothing certain" in line
        assert send(node, "room", "1", KEEP).offset == 1
        node.stop()
    finally:
        redis_server.ask("ACL", "DELUSER", "narrow")


def test_the_replication_id_is_read_where_there_is_one():
    assert home_of(b"# Replication\r\nrole:master\r\nmaster_replid:0a1b\r\nmaster_replid2:00\r\n") == b"0a1b"
    assert home_of(b"# Replication\r\nrole:master\r\n") == b""


@pytest.mark.parametrize(
    "key", ["fws:e:room", "fws:h:room", "fws:k:room", "fws:b:histories", "fws:x:histories", "fws:about"]
)
def test_a_key_that_redis_evicts_makes_no_lie(shared, redis_server, key):
    """As with maxmemory-policy allkeys-lru, of any of them."""
    node = shared.node()
    node.subscribe("room")
    positions = [node.send(message("room", str(number)), KEEP, once=str(number)) for number in range(5)]
    node.recorder.wait(5)
    assert redis_server.ask("DEL", key) == b":1\r\n"
    redis_server.ask("CLIENT", "KILL", "TYPE", "pubsub")
    wait_back(node, since=1)
    after = [node.send(message("room", str(number)), KEEP, once=str(number)) for number in range(5, 8)]
    assert not set(positions) & set(after)
    for number, position in enumerate(positions + after):
        found = node.since("room", position)
        assert found is None or numbers(found) == list(range(number + 1, 8))
        assert found is not None or number < 4 or key == "fws:e:room"
    heard = [each.position for each in node.recorder.publications]
    node.recorder.wait_for(lambda: node.recorder.publications[-1].position == after[-1])
    assert len(heard) == len(set(heard))


# The format.


def test_data_of_another_format_are_refused_in_one_line(shared, redis_server):
    redis_server.ask("HSET", "fws:about", "format", "2")
    line = "data of format 2 under the redis_key 'fws', and this version knows format 1"
    with LogLines() as lines, pytest.raises(ConfigError, match=line) as refused:
        shared.node()
    assert "\n" not in str(refused.value)
    assert [each for each in lines if "format" in each] == []  # it is said once, by what started it
    publisher = Publisher(redis_server.url, channels={"*": {"history": 9}})
    with publisher, pytest.raises(StorageAway, match=f"{line}.*not done"):
        publisher.publish("room", "x")
    assert redis_server.ask("EXISTS", "fws:h:room") == b":0\r\n"
    assert shared.node(redis_key="another").storage.ready


def test_a_node_that_runs_while_others_write_another_format_is_away_and_says_why(shared, redis_server):
    node = shared.node()
    redis_server.ask("HSET", "fws:about", "format", "2")
    with LogLines() as lines:
        redis_server.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        wait_away(node)
        with pytest.raises(StorageAway):
            send(node, "room", "x", KEEP)
        until(lambda: any("data of format 2" in line for line in lines))
    redis_server.ask("HSET", "fws:about", "format", "1")
    wait_back(node, since=1)


def test_what_a_version_without_a_number_has_kept_is_taken_over(shared, redis_server):
    redis_server.ask("RPUSH", "fws:h:room", b"0,1 \xffold:7\n\0\0\0\0\0\1\0\0\0\0\1" + b"7")
    redis_server.ask("HSET", "fws:e:room", "e", "old", "o", "7", "p", "histories")
    node = shared.node()
    assert redis_server.ask("HGET", "fws:about", "format") == b"$1\r\n1\r\n"
    assert numbers(node.since("room", Position("old", 6))) == [7]
    assert send(node, "room", "8", KEEP).offset == 8
    assert numbers(node.since("room", Position("old", 6))) == [7, 8]


def test_masters_that_do_not_say_where_they_are_are_told_apart_by_their_ids():
    slots = [[0, 99, [None, 6379, b"a"], [None, 6379, b"replica"]], [100, 16383, [None, 6379, b"b"]]]
    assert count_of_masters(slots) == 2
    assert count_of_masters([[0, 99, [b"host", 1, b"a"]], [200, 299, [b"host", 1, b"a"]]]) == 1
    assert count_of_masters([[0, 16383, [b"host", 1]]]) == 1
    assert count_of_masters([]) == 0
