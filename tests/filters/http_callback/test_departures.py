"""Disconnects are told in the background, once each, until there is no more time."""

import threading
from collections import Counter

import pytest

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.http_callback import native_form as native
from filtered_websocket.filters.http_callback.backend import Backend
from filtered_websocket.filters.http_callback.departures import AT_ONCE, DROPPED, Departures
from filtered_websocket.monitoring.counters import Counters
from tests.filters.http_callback.asking import connection, options
from tests.support.http_backend import http_backend
from tests.support.ports import free_port
from tests.support.raw_client import DEADLINE
from tests.support.reactor_thread import call, until


@pytest.fixture
def make():
    made = []

    def make(url, most=1000, **values):
        from twisted.internet import reactor

        counters = Counters(reactor)
        backend = Backend(reactor, options(url=url, **values), counters, Counter())
        departures = Departures(reactor, lambda: backend, lambda: most, counters)
        made.append((backend, departures, counters))
        return departures, counters

    yield make
    for backend, departures, counters in made:
        call(lambda departures=departures: start(departures.settle(0)))
        call(lambda backend=backend, counters=counters: (backend.close(), counters.stop()))


def add(departures, *ids):
    def add_all():
        for each in ids:
            departures.add(native.question("disconnect", connection(id=each), b"", False, ""), [])

    call(add_all)


def settle(departures, seconds):
    call(lambda: start(departures.settle(seconds)))


def dropped(counters):
    return call(lambda: counters.totals["dropped", DROPPED])


def test_all_are_told_a_few_at_a_time(make):
    with http_backend() as server:
        busy, most, counting, gate = [0], [0], threading.Lock(), threading.Event()

        def answer(_):
            with counting:
                busy[0] += 1
                most[0] = max(most[0], busy[0])
            gate.wait(DEADLINE)
            with counting:
                busy[0] -= 1
            return 204, b""

        server.answer = answer
        departures, counters = make(server.url)
        add(departures, *map(str, range(30)))
        assert call(lambda: len(departures)) == 30
        gate.set()
        until(lambda: not len(departures))
        assert sorted(int(server.next().body["connection"]) for _ in range(30)) == list(range(30))
        assert most[0] <= AT_ONCE
        assert dropped(counters) == 0


def test_one_that_fails_is_told_again_with_its_id(make, monkeypatch):
    with http_backend() as server:
        statuses = [500, 500, 200]
        server.answer = lambda _: (statuses.pop(0), {})
        departures, _ = make(server.url)
        add(departures, "a")
        call(lambda: setattr(departures, "_is_hurried", True))  # else it takes seconds
        until(lambda: not len(departures))
        assert len({server.next().body["id"] for _ in range(3)}) == 1


def test_what_is_over_the_bound_is_counted(make):
    with http_backend() as server:
        gate = threading.Event()
        server.answer = lambda _: (gate.wait(DEADLINE), (200, {}))[1]
        departures, counters = make(server.url, most=5)
        add(departures, *map(str, range(AT_ONCE + 9)))
        assert dropped(counters) == 4
        gate.set()
        until(lambda: not len(departures))
        assert server.asked.qsize() == AT_ONCE + 5


def test_a_backend_that_says_no_is_told_no_more(make):
    with http_backend() as server:
        server.answer = lambda _: (410, {})
        departures, counters = make(server.url)
        add(departures, "a")
        until(lambda: not len(departures))
        assert (server.asked.qsize(), dropped(counters)) == (1, 1)


def test_at_the_end_what_waits_is_told_as_long_as_there_is_time(make):
    port = free_port()
    departures, counters = make(f"http://127.0.0.1:{port}", failures=1, pause=30.0)
    add(departures, *map(str, range(20)))
    until(lambda: departures._resting)
    # The breaker is asked to be away for long: what waits is lost, and counted.
    settle(departures, 0.3)
    assert (dropped(counters), call(lambda: len(departures))) == (20, 0)
    add(departures, "late")
    assert dropped(counters) == 21
    with http_backend() as server:
        departures, counters = make(server.url)
        add(departures, *map(str, range(100)))
        settle(departures, 10)
        assert (server.asked.qsize(), dropped(counters)) == (100, 0)
