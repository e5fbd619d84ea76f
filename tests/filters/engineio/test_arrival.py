"""Channels of a session that comes from another node: nothing is lost on the way, nothing doubled."""

from typing import Any

import pytest

from filtered_websocket.filters.base import WebSocketConnectFilter
from filtered_websocket.filters.engineio.polling import HELD_SECONDS
from filtered_websocket.testing.server import Server
from tests.filters.engineio.clients import PACK, WEBSOCKET, Session
from tests.support.shared_memory import SharedMemory


class Come(WebSocketConnectFilter):
    @classmethod
    async def filter(cls, web_socket_instance: Any, data: None) -> None:
        await web_socket_instance.subscribe("a")
        await web_socket_instance.subscribe("b")


@pytest.mark.parametrize("shared", [False, True])
def test_what_is_published_around_an_upgrade_comes_once_and_in_order(shared: bool) -> None:
    storage = SharedMemory()
    with Server(PACK, Come, storage_object=storage) as one, Server(PACK, Come, storage_object=storage) as two:
        client = Session(one)
        one.settle()
        for number in range(3):
            one.pipeline().publish("ab"[number % 2], str(number))
        at = two if shared else one
        assert client.poller is not None
        websocket = at.connect(f"{WEBSOCKET}&sid={client.poller.sid}")
        websocket.send("2probe")
        one.pipeline().publish("a", "3")
        websocket.send("5")
        for number in range(4, 8):
            two.pipeline().publish("ab"[number % 2], str(number))
        for _ in range(5):
            one.settle()
            two.settle()
        two.pipeline().publish("b", "8")
        one.settle()
        two.settle()
        assert websocket.received() == ["3probe", *[f"4{number}" for number in range(9)]]
        assert [len(each.pipeline().hub.channels) for each in (one, two)] == [0 if shared else 2, 2 if shared else 0]
        websocket.close()
        one.settle()
        two.settle()
        assert not one.pipeline().hub.channels
        assert not two.pipeline().hub.channels


def test_a_session_that_is_nowhere_leaves_no_channels() -> None:
    storage = SharedMemory()
    with Server(PACK, Come, storage_object=storage) as one, Server(PACK, Come, storage_object=storage) as two:
        client = Session(one)
        one.settle()
        assert client.poller is not None
        websocket = two.connect(f"{WEBSOCKET}&sid={client.poller.sid}")
        client.leave()
        for _ in range(3):
            one.settle()
            two.settle()
        websocket.send("5")
        for _ in range(5):
            one.settle()
            two.settle()
        assert websocket.close_code == 1002
        assert not two.pipeline().hub.channels


@pytest.mark.parametrize("moves", [False, True])
def test_a_get_behind_a_probe_waits_for_what_another_node_may_have_heard(moves: bool) -> None:
    storage = SharedMemory()
    with Server(PACK, Come, storage_object=storage) as one, Server(PACK, Come, storage_object=storage) as two:
        client = Session(one)
        one.settle()
        assert client.poller is not None
        websocket = two.connect(f"{WEBSOCKET}&sid={client.poller.sid}")
        websocket.send("2probe")
        for _ in range(3):
            one.settle()
            two.settle()
        get = client.poller.get()
        assert get.waits
        if moves:
            websocket.send("5")
            for _ in range(3):
                one.settle()
                two.settle()
            assert get.status == 400
        else:
            one.advance(HELD_SECONDS)
            assert get.text == "6"
