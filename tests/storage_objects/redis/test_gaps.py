"""What was missed while away is read from history, or told as a gap."""

import random

import pytest

from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.redis import gaps
from filtered_websocket.storage_objects.redis.send_scripts import CLASSIC, keep_values
from tests.support.backends import message
from tests.support.reactor_thread import call
from tests.support.redis_nodes import KEEP, atomically, send, wait_back


def kept_by_others(channel, payload, count=1000):
    """The command by which another node appends to a history and publishes."""
    body = b"\0\0\0\0\0\1\0" + len(payload).to_bytes(4, "big") + payload.encode()
    name = channel.encode()
    values = (b"fws:c:" + name, body, *keep_values(Keep(count, 60), b"other", b"0", b"fws:"))
    return (b"EVAL", CLASSIC.send.source, b"2", b"fws:h:" + name, b"fws:e:" + name, *values)


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
    # There may have been another one before, which was forgotten.
    (stand,) = node.recorder.stands
    assert (node.recorder.gaps, stand.offset) == (["room"], 0)


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


# While the connection lives: what comes is the next, or history is asked.


def unheard(channel, payload, count=1000):
    """As `kept_by_others`, but published where nobody listens."""
    words = list(kept_by_others(channel, payload, count))
    words[5] = b"fws:c:nobody"
    return tuple(words)


def heard(channel, position, payload):
    """A publication with this position, as an envelope, which is in no history."""
    body = b"\0\0\0\0\0\1\0" + len(payload).to_bytes(4, "big") + payload.encode()
    return ("PUBLISH", f"fws:c:{channel}", b"\xff%b:%d\n" % (position.epoch.encode(), position.offset) + body)


def test_a_hole_is_filled_before_what_is_behind_it_is_delivered(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    send(node, "room", "1", KEEP)
    atomically(redis_server, *(unheard("room", str(n)) for n in range(2, 5)), kept_by_others("room", "5"))
    send(node, "room", "6", KEEP)
    assert node.recorder.wait(6) == [b"%d" % n for n in range(1, 7)]
    assert node.recorder.gaps == []
    assert node.recorder.readiness == [True]


def test_the_beginning_of_a_history_is_not_missed_either(shared, redis_server):
    node = shared.node()
    position = node.position("room")
    assert node.subscribe("room") == position
    atomically(redis_server, unheard("room", "1"), kept_by_others("room", "2"))
    assert node.recorder.wait(2) == [b"1", b"2"]
    assert node.recorder.gaps == []


def test_a_hole_that_history_does_not_cover_is_told_with_where_the_node_stands(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    first = send(node, "room", "1", KEEP)
    atomically(redis_server, *(unheard("room", str(n), 2) for n in range(2, 5)), kept_by_others("room", "5", 2))
    assert node.recorder.wait(3) == [b"1", b"4", b"5"]
    assert (node.recorder.gaps, node.recorder.stands) == (["room"], [first._replace(offset=3)])
    assert node.subscribe("room") == first._replace(offset=5)


def test_what_is_in_no_history_but_was_heard_is_delivered_behind_the_gap(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    first = send(node, "room", "1", KEEP)
    atomically(redis_server, unheard("room", "2"), kept_by_others("room", "3"), ("LTRIM", "fws:h:room", "1", "0"))
    assert node.recorder.wait(2) == [b"1", b"3"]
    assert (node.recorder.gaps, node.recorder.stands) == (["room"], [first._replace(offset=2)])


def test_what_comes_twice_is_delivered_once(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    positions = [send(node, "room", str(n), KEEP) for n in range(3)]
    atomically(redis_server, *(heard("room", position, "again") for position in positions))
    send(node, "room", "end", KEEP)
    assert node.recorder.wait(4) == [b"0", b"1", b"2", b"end"]
    assert (node.recorder.gaps, node.recorder.phantoms) == ([], [])


def test_what_a_replaced_master_still_sends_is_counted_and_not_delivered(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    old = send(node, "room", "old", KEEP)
    atomically(redis_server, ("DEL", "fws:h:room", "fws:e:room"), kept_by_others("room", "new"))
    assert node.recorder.wait(2) == [b"old", b"new"]
    assert node.recorder.gaps == ["room"]
    unknown = heard("room", old._replace(epoch="never.heard.of"), "phantom")
    atomically(redis_server, heard("room", old._replace(offset=2), "phantom"), unknown, unknown)
    send(node, "room", "newer", KEEP)
    assert node.recorder.wait(3) == [b"old", b"new", b"newer"]
    node.recorder.wait_for(lambda: len(node.recorder.phantoms) == 3)
    assert node.recorder.gaps == ["room"]


def test_a_hole_seen_while_commands_have_no_connection_is_filled_when_they_have_one(shared, redis_server):
    node = shared.node()
    node.subscribe("room")
    send(node, "room", "1", KEEP)
    kill = ("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    atomically(redis_server, kill, unheard("room", "2"), kept_by_others("room", "3"))
    wait_back(node, since=1)
    send(node, "room", "4", KEEP)
    assert node.recorder.wait(4) == [b"1", b"2", b"3", b"4"]
    assert node.recorder.gaps == []


def test_what_waits_for_history_is_bounded(shared, redis_server, monkeypatch):
    monkeypatch.setattr(gaps, "MOST_HELD", 50)
    node = shared.node()
    node.subscribe("room")
    send(node, "room", "1", KEEP)
    node.recorder.wait(1)
    many = [kept_by_others("room", str(n)) for n in range(3, 100)]
    atomically(redis_server, ("CLIENT", "PAUSE", "300"), unheard("room", "2"), *many)
    assert node.recorder.wait(99) == [b"%d" % n for n in range(1, 100)]
    assert node.recorder.gaps == []
    assert False in node.recorder.readiness  # all was connected anew


@pytest.mark.parametrize("seed", range(3))
def test_many_nodes_subscribing_among_sends_hear_all_behind_their_positions(shared, seed):
    chance = random.Random(seed)
    nodes = [shared.node() for _ in range(3)]

    def flood():
        begun = []
        for _ in range(60):
            node = chance.choice(nodes)
            if chance.random() < 0.3:
                begun.append((node, node.storage.subscribe("room")))
            else:
                node.storage.send(message("room", "x"), KEEP)
        return begun

    begun = {}
    for node, confirmed in call(flood):
        position = call(lambda d=confirmed: d)
        begun.setdefault(id(node), (node, position.offset if position else 0))
    last = send(nodes[0], "room", "end", KEEP)
    for node, offset in begun.values():
        node.recorder.wait_for(lambda got=node.recorder.publications: got[-1:] and got[-1].position == last)
        assert [each.position.offset for each in node.recorder.publications] == [*range(offset + 1, last.offset + 1)]
        assert node.recorder.gaps == []
