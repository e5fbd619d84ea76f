"""What is written to histories in Redis."""

from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects.base import Keep, Pool
from tests.support.backends import message
from tests.support.redis_nodes import KEEP, send


def test_what_a_version_without_pools_has_kept_is_read_and_leaves_first(shared, redis_server):
    """A rolling upgrade: both write to the same histories for a while."""
    node = shared.node()
    pool = Pool("two", 2 * 3000)

    def old(number):
        envelope = b"\xffold:%d\n" % number + b"\0\0\0\0\0\1\0\0\0\x08\0" + b"o" * 2048
        redis_server.ask("RPUSH", "fws:h:room", b"0 " + envelope)
        redis_server.ask("HSETNX", "fws:e:room", "e", "old")
        redis_server.ask("HSET", "fws:e:room", "o", str(number))

    old(1)
    epoch = send(node, "room", "n" * 2048, Keep(100, 0, pool)).epoch
    old(3)
    assert [one.position for one in node.latest("room", 0, 10)] == [Position(epoch, n) for n in (3, 2, 1)]
    assert len(node.since("room", Position("old", 1))) == 2
    for channel in ("a", "b"):
        send(node, channel, "n" * 2048, Keep(100, 0, pool))
    assert [one.position.offset for one in node.latest("room", 0, 10)] == [3, 2]
    send(node, "room", "n", Keep(1, 0, pool))
    counted = [int(redis_server.ask("HGET", "fws:b:two", field).split()[1]) for field in ("b", "croom", "ca", "cb")]
    assert counted[0] == sum(counted[1:])
    assert 512 < counted[1] < 600


def test_the_names_of_what_is_sent_once_are_no_more_than_what_is_kept(shared, redis_server):
    node = shared.node()
    for number in range(50):
        node.send(message("room", "x"), Keep(5, 60), once=str(number))
    assert redis_server.ask("ZCARD", "fws:k:room") == b":5\r\n"
    assert 0 < int(redis_server.ask("PTTL", "fws:k:room")[1:]) <= 60_000
    redis_server.ask("DEL", "fws:e:room", "fws:h:room")
    send(node, "room", "x", KEEP)
    assert redis_server.ask("EXISTS", "fws:k:room") == b":0\r\n"
