"""The kit takes the storage away, as an outage of Redis would."""

import pytest

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.storage_objects.base import BaseStorageObject
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing import Server
from filtered_websocket.testing.storage import ASKED

BROADCAST = "filtered_websocket.filters.broadcast_messages"


class Keep(WebSocketMessageFilter):
    @classmethod
    async def filter(cls, web_socket_instance, data):
        await web_socket_instance.storage_object.add("said", data.decode())


def test_a_filter_that_needs_storage_meanwhile_closes_with_1013_and_afterwards_all_is_as_it_was():
    with Server(Keep) as server:
        early, late = server.connect(), server.connect()
        with server.storage.away():
            early.send("a")
            assert (early.close_code, early.close_reason) == (1013, "try again later")
            assert server.server.unready
            with pytest.raises(StorageAway, match="the test has taken the storage away"):
                server.result(server.storage_object.get("said"))
        assert not server.server.unready
        late.send("b")
        assert server.result(server.storage_object.get("said")) == {"b"}


def test_what_waits_for_storage_goes_on_when_it_is_back():
    with Server() as server:
        with server.storage.away():
            waiting = server.storage_object.wait_ready()
            assert not waiting.called
        assert waiting.called
        assert server.storage_object.wait_ready().called


def test_everything_that_storage_is_asked_fails():
    asked = {
        name for name in BaseStorageObject.__abstractmethods__ if not isinstance(vars(StorageObject)[name], property)
    }
    assert asked - {"start", "stop", "unsubscribe", "unlisten", "wait_ready"} <= set(ASKED)


def test_a_storage_object_of_ones_own_is_not_taken_away():
    with Server(storage_object=StorageObject()) as server, pytest.raises(TypeError, match="StorageObject is a storage"):
        _ = server.storage
