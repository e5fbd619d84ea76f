"""What was missed while away is read from history, or told as a gap."""

from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.redis.history_scripts import SEND, keep_values
from tests.support.redis_nodes import KEEP, atomically, send, wait_back


def kept_by_others(channel, payload, count=1000):
    """The command by which another node appends to a history and publishes."""
    body = b"\0\0\0\0\0\1\0" + len(payload).to_bytes(4, "big") + payload.encode()
    name = channel.encode()
    values = (b"fws:c:" + name, body, *keep_values(Keep(count, 60), b"other", b"fws:"))
    return (b"EVAL", SEND.source, b"2", b"fws:h:" + name, b"fws:e:" + name, *values)


DEAF = ("CLIENT", "KILL", "TYPE", "pubsub")


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
