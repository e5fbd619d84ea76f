"""Writes wait while Redis is away."""

import pytest

from filtered_websocket.storage_objects.base import StorageAway
from tests.support.backends import Backend, message
from tests.support.reactor_thread import call
from tests.support.redis_nodes import FAST, KEEP, MODULE, send, wait_away, wait_back
from tests.support.redis_server import RedisServer


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


def test_what_waited_is_written_in_the_reign_that_it_comes_to(tmp_path):
    with RedisServer(tmp_path / "redis") as server:
        cluster = Backend(MODULE, redis_url=server.url, **FAST, redis_queue=3)
        node = cluster.node()
        first = send(node, "room", "1", KEEP)
        server.ask("SAVE")
        second = send(node, "room", "2", KEEP)  # is lost
        server.kill()
        wait_away(node)
        waiting = call(lambda: [node.storage.send(message("room", "3"), KEEP, once="three")])
        server.start()
        wait_back(node)
        third = call(lambda: waiting[0])
        assert (third.offset, third.epoch == second.epoch) == (2, False)
        assert [one.payload for one in node.since("room", first)] == [b"3"]
        cluster.close()
