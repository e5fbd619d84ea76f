"""Filters get the time of the clock; a test and Python's library keep the real time."""

import multiprocessing
import threading
import time
from concurrent.futures import Future, as_completed
from time import monotonic

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.testing.server import Server
from tests.support import reactor_thread
from tests.support.deadlines import joined
from tests.support.small_filters import Echo, Later


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
        joined(another)
        assert answers == [reactors]
        server.advance(5)
        assert client.received() == ["late x"]


def test_a_reactor_that_runs_the_test_itself_may_be_waited_for():
    async def test():
        with Server(Later) as server:
            client = server.connect()
            client.send("x")
            await deferLater(reactor, 0.001)
            assert client.received() == []
            server.advance(5)
            return client.received()

    assert reactor_thread.call(test) == ["late x"]


def told_by(*calls):
    """A filter, and the list of what these calls gave in it."""

    class Tell(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            told.append(tuple(call() for call in calls))

    told = []
    return Tell, told


def test_the_monotonic_clock_of_filters_is_the_reactors_and_passes_with_it():
    tell, told = told_by(lambda: time.monotonic(), reactor_seconds)
    before = monotonic()
    with Server(tell) as server:
        client = server.connect()
        client.send("a")
        server.advance(60)
        client.send("b")
    (a, by_reactor), (b, _) = told
    assert before < a == by_reactor
    assert b == a + 60


def reactor_seconds():
    return reactor.seconds()


def test_what_a_test_waits_for_with_a_deadline_ends():
    with Server(Echo) as server:
        server.advance(60)
        assert time.monotonic() <= monotonic()
        here, there = multiprocessing.Pipe()
        with here, there:
            assert not here.poll(0.001)
        with pytest.raises(TimeoutError):
            list(as_completed([Future()], timeout=0.001))


def test_work_in_a_thread_has_its_own_time():
    class Work(WebSocketMessageFilter):
        @classmethod
        async def filter(cls, web_socket_instance, data):
            told.append(await deferToThread(lambda: time.monotonic() <= monotonic()))
            told.append(time.monotonic() <= monotonic())

    told = []
    with Server(Work) as server:
        client = server.connect()
        server.advance(60)
        client.send("x")
        another = threading.Thread(target=lambda: told.append(time.monotonic() <= monotonic()))
        another.start()
        joined(another)
    assert told == [True, False, True]


def test_each_of_several_servers_has_its_own_time():
    tell, told = told_by(lambda: time.monotonic(), reactor_seconds)
    with Server(Later, tell) as one, Server(Echo) as another:
        begun = one.reactor.seconds()
        client = one.connect()
        client.send("x")
        another.advance(60)
        assert client.received() == []
        one.advance(5)
        assert client.received() == ["late x"]
    assert told == [(begun + 5, begun + 5)]


def time_of_process():
    """What the reactor has of its own, and how it tells the time.

    Not its counters: it runs in another thread meanwhile.
    """
    kept = ("callLater", "callFromThread", "seconds", "getThreadPool", "_asyncioEventloop")
    return set(vars(reactor)), [getattr(reactor, name, None) for name in kept]


@pytest.mark.parametrize(
    "kinds", [("clock", "clock"), ("clock", "asyncio"), ("asyncio", "clock"), ("asyncio", "asyncio")]
)
def test_servers_are_closed_in_any_order_and_leave_the_process_its_time(kinds):
    before, its = time_of_process(), time.monotonic
    first, second = (Server(Echo, reactor=kind) for kind in kinds)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    client = second.connect()
    client.send("x")
    assert client.received() == ["x"]
    second.__exit__(None, None, None)
    assert time_of_process() == before
    assert time.monotonic is its


def test_a_stand_in_that_outlives_its_servers_tells_the_real_time():
    with Server(Echo):
        kept = time.monotonic  # as monkeypatch keeps it, which gives it back later
    before = monotonic()
    assert before <= kept() <= monotonic()
