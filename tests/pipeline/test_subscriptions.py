"""Subscribing and leaving, and what storage confirms of it."""

import gc

import pytest
from twisted.internet.defer import fail

from filtered_websocket.filters.base import (
    WebSocketMessageFilter,
)
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.server import Server
from tests.support.late_storage import LateStorage
from tests.support.rooms import Rooms, counted, members


def test_subscribe_fires_when_storage_has_confirmed_and_only_the_first_asks_it():
    storage = LateStorage()
    with Server(Rooms, storage_object=storage) as server:
        a, b = server.connect(), server.connect()
        fired = []
        for name, client in (("a", a), ("a again", a), ("b", b)):
            client.connection.subscribe("x").addCallback(lambda _, name=name: fired.append(name))
        assert (storage.calls, fired) == (["+x"], [])
        storage.answers[0].callback(None)
        assert fired == ["a", "a again", "b"]
        assert server.result(server.connect().connection.subscribe("x")) is None
        assert storage.calls == ["+x"]


def test_a_clients_next_message_waits_for_its_subscription():
    storage = LateStorage()
    with Server(Rooms, storage_object=storage) as server:
        a = server.connect()
        a.send("+x")
        a.send("x hello")
        assert a.received() == []
        assert storage.sent == []
        storage.answers[0].callback(None)
        assert a.received() == ["hello"]


def test_a_failed_subscription_fails_for_all_that_wait_and_the_next_asks_again():
    storage = LateStorage()
    with Server(Rooms, storage_object=storage) as server:
        a, b = server.connect().connection, server.connect().connection
        failed = []
        for each in (a, b):
            each.subscribe("x").addErrback(lambda failure: failed.append(str(failure.value)))
        storage.answers[0].errback(OSError("no such server"))
        assert failed == ["no such server"] * 2
        assert (set(a.channels), set(b.channels)) == (set(), set())
        assert server.pipeline().hub.channels == {}
        again = a.subscribe("x")
        assert storage.calls == ["+x", "-x", "+x"]
        storage.answers[1].callback(None)
        assert server.result(again) is None
        assert set(a.channels) == {"x"}


def test_a_subscription_that_fails_at_once_fails_its_caller():
    class Failing(StorageObject):
        def subscribe(self, channel):
            return fail(OSError("no"))

    with Server(Rooms, storage_object=Failing()) as server:
        connection = server.connect().connection
        with pytest.raises(OSError, match="no"):
            server.result(connection.subscribe("x"))
        assert set(connection.channels) == set()
        connection.subscribe("x")
        gc.collect()
        assert counted(server) == {"failed: subscribe": 1}


def test_a_client_that_leaves_before_the_confirmation_and_comes_back_asks_anew():
    storage = LateStorage()
    with Server(Rooms, storage_object=storage) as server:
        a, b = server.connect().connection, server.connect().connection
        fired = []
        a.subscribe("x").addBoth(lambda _: fired.append("first"))
        a.unsubscribe("x")
        b.subscribe("x").addBoth(lambda _: fired.append("second"))
        assert storage.calls == ["+x", "-x", "+x"]
        storage.answers[0].errback(OSError("too late to matter"))
        assert fired == ["first"]
        assert set(b.channels) == {"x"}
        storage.answers[1].callback(None)
        assert fired == ["first", "second"]


def test_a_client_that_goes_before_the_confirmation_leaves_nothing_behind():
    storage = LateStorage()
    with Server(Rooms, storage_object=storage) as server:
        a = server.connect()
        a.send("+x")
        a.connection.abortConnection()
        server.advance(0)
        assert storage.calls == ["+x", "-x"]
        storage.answers[0].callback(None)
        assert server.pipeline().hub.channels == {}
        assert server.pipeline().subscriptions._following._waiting == {}


@pytest.mark.parametrize(("channel", "error"), [("c" * 256, ValueError), (5, TypeError)])
def test_subscribe_never_raises_its_deferred_fails(channel, error):
    with Server(Rooms) as server:
        connection = server.connect().connection
        with pytest.raises(error):
            server.result(connection.subscribe(channel))
        assert set(connection.channels) == set()


@pytest.mark.parametrize("names", [["a", "b", "c"], ["c" * 256], ["/shop a"]])
def test_a_client_that_wants_more_than_it_may_have_is_closed_with_1008_and_counted(names):
    class Asks(WebSocketMessageFilter):
        @classmethod
        async def filter(cls, connection, data):
            await connection.subscribe(data.decode())

    class Other(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection, data): ...

    with Server(Asks, pipelines={"/shop": [Other]}, max_channels=2) as server:
        client = server.connect()
        for name in names:
            assert client.close_code is None
            client.send(name)
        assert client.close_code == 1008
        assert client.close_reason
        counted = [what for (what, reason), count in server.server.counters.totals.items() if count == 1]
        assert sorted(counted) == ["closed", "refused"]
        assert server.errors == []


def test_a_connection_may_be_in_so_many_channels():
    with Server(Rooms, max_channels=2) as server:
        connection = members(server, "a", "b").connection
        with pytest.raises(ValueError, match="2 channels"):
            server.result(connection.subscribe("c"))
        assert server.result(connection.subscribe("a")) is None
        connection.unsubscribe("b")
        assert server.result(connection.subscribe("c")) is None
        assert set(connection.channels) == {"a", "c"}


def test_storage_is_left_with_the_last_subscriber():
    storage = LateStorage()
    with Server(Rooms, storage_object=storage) as server:
        a, b = server.connect(), server.connect()
        for each in (a, b):
            each.connection.subscribe("x")
        storage.answers[0].callback(None)
        a.connection.unsubscribe("x")
        a.connection.unsubscribe("x")
        assert storage.calls == ["+x"]
        b.abort()
        assert storage.calls == ["+x", "-x"]


def test_a_connection_that_is_in_no_channel_yet_may_be_put_into_one_by_others():
    with Server(Rooms) as server:
        client = server.connect()
        server.result(server.pipeline().subscribe("x", client.connection))
        server.pipeline().publish("x", "hello")
        assert (client.received(), client.connection.channels) == (["hello"], {"x"})
