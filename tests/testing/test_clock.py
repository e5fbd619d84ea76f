"""Time that passes only when a test says so."""

import pytest
from twisted.internet import reactor
from twisted.internet.task import LoopingCall, deferLater

from filtered_websocket.filters.base import WebSocketStartFilter, WebSocketStopFilter
from filtered_websocket.testing.clock import StillWaiting
from filtered_websocket.testing.server import Server
from tests.support.small_filters import Later


def test_an_asynchronous_filter_goes_on_when_time_passes():
    with Server(Later) as server:
        waiting, other = server.connect(), server.connect()
        waiting.send("one")
        waiting.send("two")
        with pytest.raises(StillWaiting, match="advance"):
            waiting.sync()
        other.sync()
        server.advance(5)
        assert waiting.received() == ["late one"]
        server.advance(4.9)
        assert waiting.received() == []
        server.advance(0.1)
        assert waiting.received() == ["late two"]
        waiting.sync()


def test_a_filter_that_takes_too_long_is_ended():
    with Server(Later, filter_timeout=2) as server:
        client = server.connect()
        client.send("one")
        server.advance(2)
        assert client.close_code == 1011
        assert len(server.errors) == 1


def test_timers_of_a_start_filter_run_on_the_tests_clock_and_end_with_the_server():
    events = []

    class Begin(WebSocketStartFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            web_socket_instance.ticks = LoopingCall(events.append, "tick")
            web_socket_instance.ticks.start(10, now=False)

    class End(WebSocketStopFilter):
        @classmethod
        async def filter(cls, web_socket_instance, data):
            web_socket_instance.ticks.stop()
            await deferLater(reactor, 3)
            events.append("stopped")

    with Server(Begin, End) as server:
        server.advance(25)
        assert events == ["tick", "tick"]
    assert events == ["tick", "tick", "stopped"]


def test_what_history_keeps_for_some_seconds_is_gone_when_they_have_passed():
    with Server("filtered_websocket.filters.history", channels={"*": {"history": 5, "history_seconds": 60}}) as server:
        storage = server.storage_object
        server.result(server.pipeline().publish("news", "x"))
        server.advance(59)
        assert len(server.result(storage.latest("news", 0, 5))) == 1
        server.advance(2)
        assert len(server.result(storage.latest("news", 0, 5))) == 0
        server.result(server.pipeline().publish("news", "y"))
        assert len(server.result(storage.latest("news", 0, 5))) == 1


def test_a_timer_is_due_when_pieces_of_time_come_to_it_by_rounding():
    with Server(Later) as server:
        due = []
        server.reactor.callLater(0.3, due.append, True)
        for _ in range(3):
            server.advance(0.1)
        assert due
