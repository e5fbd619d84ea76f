"""One pipeline: publishing, subscribing, consuming, and the beginning and the end."""

import gc

import pytest
from twisted.internet.defer import Deferred, fail

from filtered_websocket.errors import ConfigError, StopChain
from filtered_websocket.filters.base import (
    WebSocketDisconnectFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.server import Server
from tests.support.late_storage import LateStorage
from tests.support.rooms import Consumes, Rooms, counted, members

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


def test_stop_filters_that_hang_have_the_time_of_one_together_and_keep_no_other_from_running():
    class Hangs(WebSocketStopFilter):
        @classmethod
        async def filter(cls, pipeline, data):
            await Deferred()

    class HangsToo(Hangs):
        pass

    class Closes(WebSocketStopFilter):
        @classmethod
        def filter(cls, pipeline, data):
            closed.append(cls)

    closed = []
    with Server(Rooms, filter_timeout=5) as server:
        pipeline = server.pipeline()
        before, pipeline.filters["stop"] = pipeline.filters["stop"], (Hangs, HangsToo, Closes)
        stopping = pipeline.stop()
        server.advance(5)
        server.result(stopping)
        pipeline.filters["stop"] = before
        assert closed == [Closes]
        first, second = server.errors
        assert "TimeoutError: the filter took longer than 5 s (filter_timeout)" in first
        assert "TimeoutError: the filter took longer than the 0 s that were left of 5 s (filter_timeout)" in second


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
