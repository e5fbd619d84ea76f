"""Histories in Redis."""

from filtered_websocket.storage_objects.base import Keep
from tests.support.backends import message
from tests.support.reactor_thread import call
from tests.support.redis_nodes import send


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
