"""What the storage object and other threads tell a server, and the pipeline that each of it belongs to."""

import threading
from functools import partial
from typing import Any

from filtered_websocket.filters.base import (
    WebSocketConsumerFilter,
)
from filtered_websocket.messages.publication import Publication
from filtered_websocket.testing import server as memory
from tests.support.rooms import Rooms, counted
from tests.support.serving import Events, logged, serving


def test_what_any_thread_puts_into_the_queue_reaches_consumer_filters_in_order() -> None:
    events = Events()

    class Consumes(WebSocketConsumerFilter):
        @classmethod
        def filter(cls, pipeline: Any, data: Any) -> None:
            events.tell((data, threading.current_thread().name))

    with serving(Consumes) as served:
        for number in range(100):
            served.server.queue.put({"number": number})
        assert [events.next() for _ in range(100)] == [({"number": number}, "reactor") for number in range(100)]


class Watched:
    """What the pipelines of one server are told of departures."""

    def __init__(self, served: memory.Server) -> None:
        self.told: list[tuple[str, ...]] = []
        for pipeline in served.server.pipelines:
            name = pipeline.name
            pipeline.member_left.append(partial(self._tell, "left", name))
            pipeline.member_returned.append(partial(self._tell, "returned", name))
            pipeline.vacated.append(partial(self._tell, "vacated", name))

    def _tell(self, *what: str) -> None:
        self.told.append(what)


def test_departures_are_told_to_the_pipeline_whose_channel_it_is_under_the_name_it_has_there() -> None:
    with memory.Server(Rooms, pipelines={"/x": [Rooms], "/xy": [Rooms]}) as server:
        watched = Watched(server)
        prefixes = {pipeline.name: pipeline.prefix for pipeline in server.server.pipelines}
        assert len(prefixes) == 3
        for prefix in prefixes.values():
            server.server.member_left(f"{prefix}room", "ann", "info")
            server.server.member_returned(f"{prefix}room", "ann", "info")
            server.server.vacated(f"{prefix}room")
        expected = []
        for name in prefixes:
            expected += [("left", name, "room", "ann", "info"), ("returned", name, "room", "ann", "info")]
            expected += [("vacated", name, "room")]
        assert watched.told == expected


def test_what_no_pipeline_has_is_nobodys() -> None:
    with memory.Server(pipelines={"/x": [Rooms]}) as server:
        watched = Watched(server)
        server.server.member_left("room", "ann", "")
        server.server.consume(Publication("room", ((b"hello", False),)))
        assert watched.told == []
        assert counted(server) == {}


def test_a_publication_of_a_named_pipeline_is_a_new_one_since_storage_may_keep_what_it_gave() -> None:
    with memory.Server(Rooms, pipelines={"/x": [Rooms]}) as server:
        client = server.connect("/x")
        client.send("+room")
        given = Publication(f"{server.pipeline('/x').prefix}room", ((b"hello", False),))
        before = given.channel
        server.server.consume(given)
        assert client.received() == ["hello"]
        assert given.channel == before


def test_what_storage_loses_is_counted_under_what_has_cost_it() -> None:
    with memory.Server(Rooms) as server:
        server.server.gap("room", None)
        server.server.history_dropped("history_bytes", 3, "room")
        assert counted(server) == {
            "dropped: lost while the storage object was away": 1,
            "dropped: kept publications over history_bytes": 3,
        }


def test_the_state_of_storage_is_logged_when_it_changes() -> None:
    with memory.Server(Rooms) as server, logged() as lines:
        told: list[bool] = []
        server.pipeline().ready_changed.append(told.append)
        server.server.ready_changed(False)
        server.server.ready_changed(True)
        assert told == [False, True]
        assert [error.strip() for error in server.errors] == ["the storage object is away"]
    assert "the storage object is ready\n" in lines
