"""One pipeline: publishing, subscribing, consuming, and the beginning and the end."""

import gc

import pytest
from twisted.internet.defer import Deferred, fail

from filtered_websocket.errors import ConfigError, StopChain
from filtered_websocket.filters.base import (
    WebSocketDisconnectFilter,
    WebSocketMessageFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.server import Server
from tests.support.rooms import Consumes, Rooms, counted, members


class LateStorage(StorageObject):
    """Confirms subscriptions, and publications, when the test says so."""

    def __init__(self):
        super().__init__()
        self.calls = []
        self.answers = []
        self.sent = []

    def subscribe(self, channel):
        super().subscribe(channel)
        self.calls.append(f"+{channel}")
        self.answers.append(Deferred())
        return self.answers[-1]

    def unsubscribe(self, channel):
        self.calls.append(f"-{channel}")
        return super().unsubscribe(channel)

    def send(self, publication, keep=None):
        super().send(publication, keep)
        self.sent.append(Deferred())
        return self.sent[-1]


def test_equal_channel_names_in_two_pipelines_never_meet():
    with Server(Rooms, pipelines={"/x": [Rooms], "/y": [Rooms]}) as server:
        clients = [server.connect(path) for path in ("/", "/x", "/y")]
        for client in clients:
            client.send("+room")
        clients[1].send("room hi")
        assert [each.received() for each in clients] == [[], ["hi"], []]
        clients[0].send("room all")
        assert [each.received() for each in clients] == [["all"], [], []]


def test_no_name_of_the_pipeline_without_one_can_reach_into_a_named_one():
    with Server(Rooms, pipelines={"/x": [Rooms]}) as server:
        inside = server.connect("/x")
        inside.send("+room")
        for attempt in (server.pipeline().publish("/x room", "hi"), server.pipeline().subscribe("/x room", inside)):
            with pytest.raises(ValueError, match="another pipeline"):
                server.result(attempt)
        assert inside.received() == []


# Publishing.


def test_a_subscriber_of_several_of_the_channels_gets_one_copy():
    with Server(Rooms) as server:
        both, one, other, none = members(server, "a", "b"), members(server, "a"), members(server, "b"), members(server)
        none.send("a,b,a hello")
        assert [each.received() for each in (both, one, other, none)] == [["hello"], ["hello"], ["hello"], []]


def test_an_excluded_subscriber_is_excluded_from_all_channels_by_id_or_ids():
    with Server(Rooms) as server:
        a, b, c = (members(server, "x", "y") for _ in range(3))
        publish, ids = server.pipeline().publish, [each.connection.id for each in (a, b)]
        publish(["x", "y"], "1", exclude=ids[0])
        publish(["x", "y"], "2", exclude=ids)
        publish("x", "3", exclude=set(ids))
        publish("x", "4", exclude=iter(ids))
        publish("x", "5", exclude=[])
        assert [each.received() for each in (a, b, c)] == [["5"], ["1", "5"], ["1", "2", "3", "4", "5"]]


def test_the_excluded_are_those_of_the_call_whatever_becomes_of_the_set():
    with Server(Rooms) as server:
        a, b = members(server, "x"), members(server, "x")
        ids = {a.connection.id}
        server.pipeline().publish("x", "1", exclude=ids)
        server.pipeline().broadcast("x", "2", exclude=ids)
        ids.add(b.connection.id)
        assert (a.received(), b.received()) == ([], ["1", "2"])


def test_messages_of_one_payload_go_together_and_an_empty_one_goes_nowhere(consumes):
    with Server(Rooms, Consumes) as server:
        a = members(server, "x")
        consumes(None)
        server.result(server.pipeline().publish("x", ["text", b"\xff", bytearray(b"more")]))
        server.result(server.pipeline().publish("x", []))
        assert a.received() == ["text", b"\xff", "more"]
        assert Consumes.items == ["text"]


@pytest.mark.parametrize(
    ("channel", "payload", "exclude", "error"),
    [
        ("x", 1, None, TypeError),
        ("x", ["fine", None], None, TypeError),
        ("x", "\ud800", None, ValueError),
        ("c" * 256, "hi", None, ValueError),
        (["x", "c" * 256], "hi", None, ValueError),
        (["x", 5], "hi", None, TypeError),
        (None, "hi", None, TypeError),
        (b"x", "hi", None, TypeError),
        ("x", "hi", 5, TypeError),
        ("x", "hi", [5], TypeError),
        ("x", "hi", [["unhashable"]], TypeError),
    ],
)
def test_publish_never_raises_its_deferred_fails_and_nothing_is_sent(channel, payload, exclude, error):
    with Server(Rooms) as server:
        a = members(server, "x")
        failing = server.pipeline().publish(channel, payload, exclude)
        with pytest.raises(error):
            server.result(failing)
        assert a.received() == []
        assert counted(server) == {}
        server.pipeline().publish(channel, payload, exclude)
        gc.collect()
        assert counted(server) == {"failed: publish": 1}


def test_broadcast_reaches_this_nodes_subscribers_past_the_consumer_chain(consumes):
    with Server(Rooms, Consumes) as server:
        a, b = members(server, "x"), members(server, "x")
        server.pipeline().broadcast("x", "hi", exclude=b.connection.id)
        assert (a.received(), b.received(), Consumes.items) == (["hi"], [], [])


def test_publish_fires_when_the_storage_object_has_it():
    storage = LateStorage()
    with Server(Rooms, storage_object=storage) as server:
        fired = []
        server.pipeline().publish("x", "one").addCallback(lambda _: fired.append("one"))
        server.pipeline().publish(["x", "y"], "both").addCallback(lambda _: fired.append("both"))
        storage.sent[1].callback(None)
        assert fired == []
        storage.sent[0].callback(None)
        storage.sent[2].callback(None)
        assert fired == ["one", "both"]


@pytest.mark.parametrize("channels", ["x", ["x"], ["x", "y"]])
def test_a_publication_that_fails_and_nobody_awaits_is_counted_and_an_awaited_one_is_not(channels):
    class Failing(StorageObject):
        def send(self, publication, keep=None):
            return fail(OSError("the disk is full"))

    with Server(Rooms, storage_object=Failing()) as server:
        with pytest.raises(OSError, match="the disk is full"):
            server.result(server.pipeline().publish(channels, "hi"))
        gc.collect()
        assert counted(server).get("failed: publish", 0) == len(channels) - 1  # of several, the first tells the caller
        before = counted(server).get("failed: publish", 0)
        server.pipeline().publish(channels, "hi")
        gc.collect()
        assert counted(server)["failed: publish"] == before + len(channels)


# Subscribing.


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
        assert server.pipeline().subscriptions._waiting == {}


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


# Beginning and end.


def test_start_and_stop_filters_get_the_pipeline_once_and_the_start_waits():
    ran = []

    class Opens(WebSocketStartFilter):
        @classmethod
        async def filter(cls, web_socket_instance, data):
            await Deferred.fromCoroutine(cls.opened(web_socket_instance))

        @classmethod
        async def opened(cls, pipeline):
            ran.append(("start", pipeline, pipeline.name))

    class Closes(WebSocketStopFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            ran.append(("stop", web_socket_instance, web_socket_instance.name))

    with Server(Opens, Closes, pipelines={"/x": [Opens]}) as server:
        here, there = server.pipeline(), server.pipeline("/x")
    assert ran == [("start", here, ""), ("start", there, "/x"), ("stop", here, "")]


@pytest.mark.parametrize("later", [False, True])
def test_a_start_filter_that_fails_stops_the_start_with_one_line(later):
    class Fails(WebSocketStartFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            return cls.later() if later else cls.now()

        @classmethod
        def now(cls):
            raise OSError("no\ndatabase")

        @classmethod
        async def later(cls):
            cls.now()

    with pytest.raises(ConfigError) as error, Server(Fails):
        pytest.fail("it has started")
    (fault,) = error.value.faults
    assert fault.startswith("the start filter tests.pipeline.test_pipeline.")
    assert "Fails." in fault
    assert fault.endswith(" failed: OSError: no database")


def test_a_start_filter_that_hangs_stops_the_start_after_its_time():
    class Hangs(WebSocketStartFilter):
        @classmethod
        async def filter(cls, web_socket_instance, data):
            await Deferred()

    with Server(Rooms, filter_timeout=5) as server:
        pipeline = server.pipeline()
        pipeline.filters["start"] = (Hangs,)
        starting = pipeline.start()
        server.advance(6)
        with pytest.raises(ConfigError, match=r"Hangs\.filter failed: TimeoutError: the filter took longer than 5 s"):
            server.result(starting)


def test_stop_chain_in_a_start_filter_spares_the_later_ones_and_the_server_starts():
    class Stops(WebSocketStartFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            raise StopChain

    class Never(WebSocketStartFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            pytest.fail("ran")

    with Server(Stops, Never, Rooms) as server:
        assert server.connect().is_open


def test_every_stop_filter_runs_whatever_the_others_do():
    ran = []

    class Fails(WebSocketStopFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            raise ValueError("cannot close")

    class FailsLater(WebSocketStopFilter):
        @classmethod
        async def filter(cls, web_socket_instance, data):
            raise KeyError("cannot close either")

    class Stops(WebSocketStopFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            raise StopChain

    class Closes(WebSocketStopFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            ran.append(True)

    server = Server(Fails, FailsLater, Stops, Closes)
    with server:
        pipeline = server.pipeline()
        server.result(pipeline.stop())
        assert ran == [True]
        assert len(server.errors) == 2
        pipeline.filters["stop"] = ()


def test_disconnect_filters_may_still_publish():
    class Says(WebSocketDisconnectFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.publish("x", "gone")

    with Server(Rooms, Says) as server:
        a, b = members(server, "x"), members(server, "x")
        b.close()
        assert a.received() == ["gone"]


def test_a_pipeline_shows_its_patterns():
    with Server(pipelines={"/a /b*": [Rooms]}) as server:
        assert repr(server.pipeline("/a")) == "<Pipeline /a /b*>"
