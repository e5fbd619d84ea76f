"""Time that passes only when a test says so."""

import asyncio
import threading
import time

import pytest
from twisted.internet import reactor
from twisted.internet.task import LoopingCall, deferLater

from filtered_websocket.filters.base import WebSocketMessageFilter, WebSocketStartFilter, WebSocketStopFilter
from filtered_websocket.testing.clock import StillWaiting
from filtered_websocket.testing.server import Server
from tests.support import reactor_thread
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


def test_a_reactor_that_runs_in_another_thread_keeps_its_own_time():
    async def wait():
        await deferLater(reactor, 0.001)
        return threading.get_ident()

    reactors = reactor_thread.call(threading.get_ident)
    with Server(Later) as server:
        client = server.connect()
        client.send("x")
        answers = []
        another = threading.Thread(target=lambda: answers.append(reactor_thread.call(wait)))
        another.start()
        another.join()
        assert answers == [reactors]
        server.advance(5)
        assert client.received() == ["late x"]


def test_the_monotonic_clock_is_the_reactors_and_passes_with_it():
    class Tell(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            told.append((time.monotonic(), reactor.seconds()))

    told = []
    before, its = time.monotonic(), time.monotonic
    with Server(Tell) as server:
        client = server.connect()
        client.send("a")
        server.advance(60)
        client.send("b")
        of_thread = []
        another = threading.Thread(target=lambda: of_thread.append(time.monotonic()))
        another.start()
        another.join()
        asyncio.run(asyncio.sleep(0.001))  # the timers of a loop that runs go by their own clock
    (a, by_reactor), (b, _) = told
    assert before < a == by_reactor
    assert b == a + 60
    assert of_thread[0] < b
    assert time.monotonic is its


def test_what_history_keeps_for_some_seconds_is_gone_when_they_have_passed():
    with Server("filtered_websocket.filters.history", channels={"*": {"history": 5, "history_seconds": 60}}) as server:
        storage = server.storage_object
        server.result(server.pipeline().publish("news", "x"))
        server.advance(59)
        assert len(server.result(storage.latest("news", 0, 5))) == 1
        server.advance(2)
        assert len(server.result(storage.latest("news", 0, 5))) == 0


def test_a_timer_is_due_when_pieces_of_time_come_to_it_by_rounding():
    with Server(Later) as server:
        due = []
        server.reactor.callLater(0.3, due.append, True)
        for _ in range(3):
            server.advance(0.1)
        assert due
