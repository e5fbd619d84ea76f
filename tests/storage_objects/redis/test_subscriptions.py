"""Subscriptions, and an outage among them."""

import pytest

from filtered_websocket.storage_objects.base import StorageAway
from tests.support.backends import Backend
from tests.support.reactor_thread import call
from tests.support.redis_nodes import FAST, MODULE, send, wait_away, wait_back


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


def test_whoever_is_told_that_it_stops_may_leave_and_subscribe(tmp_path):
    backend = Backend(MODULE, redis_url=f"unix://{tmp_path}/none", **FAST)
    node = backend.node(wait=False)
    storage, told, late = node.storage, [], []

    def leave(failure):
        told.append(failure.value)
        storage.unsubscribe("b")
        late.append(storage.subscribe("late"))
        late.append(storage.listen_to_all("late"))

    def ask_and_stop():
        for waiting in (storage.subscribe("a"), storage.subscribe("b"), storage.listen_to_all("c")):
            waiting.addErrback(leave)
        return storage.stop()

    call(ask_and_stop)
    assert len(told) == 3
    for waiting in late:
        with pytest.raises(StorageAway, match="stopped"):
            call(lambda waiting=waiting: waiting)
