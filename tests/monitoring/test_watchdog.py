import sys
import threading
import time
from types import FrameType
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.monitoring.counters import Counters
from filtered_websocket.monitoring.watchdog import BOUNDS, Watchdog, culprit_of
from filtered_websocket.web.base import Endpoint, HTTPRequest
from tests.support.http_client import ask
from tests.support.reactor_thread import call, until
from tests.support.serving import serving

pytestmark = pytest.mark.quiet


def watch(counters: Counters, warn: float = 0.05) -> Watchdog:
    def begin() -> Watchdog:
        dog = Watchdog(reactor, counters, warn)
        dog.start()
        return dog

    return call(begin)


def held(counters: Counters) -> dict[str, int]:
    return {reason: count for (what, reason), count in counters.totals.items() if what == "held the reactor"}


def busy(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


@pytest.mark.parametrize("hold", [time.sleep, busy])
def test_a_filter_that_holds_the_reactor_is_named(hold: Any) -> None:
    class Slow(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection: Any, data: bytearray) -> None:
            if data == b"slow":
                hold(0.3)
            connection.sendMessage(data)

    with serving(Slow) as served:
        dog = watch(served.server.counters)
        try:
            with served.open() as client:
                for text in ("quick", "slow", "quick"):
                    client.send(text)
                    assert client.receive() is not None
            until(lambda: bool(held(served.server.counters)))
        finally:
            call(dog.stop)
        (name,) = held(served.server.counters)
        assert name.endswith("Slow.filter")
        assert sum(dog.lags[BOUNDS.index(0.1) :]) >= 1
        assert dog.lag_sum > 0.1


def test_an_asynchronous_filter_an_endpoint_and_a_timer_are_named_too() -> None:
    class Slow(WebSocketMessageFilter):
        @classmethod
        async def filter(cls, connection: Any, data: bytearray) -> None:
            turn: Deferred[None] = Deferred()
            connection.factory.reactor.callLater(0, turn.callback, None)
            await turn
            time.sleep(0.2)
            connection.sendMessage(data)

    class Page(Endpoint):
        path = "/slow"

        @classmethod
        def handle(cls, pipeline: Any, request: HTTPRequest) -> str:
            time.sleep(0.2)
            return "done"

    def timer() -> None:
        time.sleep(0.2)

    with serving(Slow, Page) as served:
        dog = watch(served.server.counters)
        try:
            with served.open() as client:
                client.send("x")
                assert client.receive() is not None
            assert ask(served.address, "GET", "/slow").body == b"done"
            call(lambda: served.server.reactor.callLater(0, timer))
            until(lambda: len(held(served.server.counters)) >= 3)
        finally:
            call(dog.stop)
        names = sorted(name.rpartition("<locals>.")[2] for name in held(served.server.counters))
        assert names == ["Page.handle", "Slow.filter", "timer"]


def test_a_filter_that_holds_the_reactor_for_good_is_named_while_it_does(capsys: Any) -> None:
    release = threading.Event()

    class Stuck(WebSocketMessageFilter):
        @classmethod
        def filter(cls, connection: Any, data: bytearray) -> None:
            release.wait(20)

    told = threading.Event()
    said: list[str] = []

    def listen(event: dict[str, Any]) -> None:
        if "has held the reactor" in (event.get("log_format") or ""):
            said.append(event["name"])
            told.set()

    from twisted.logger import globalLogPublisher

    with serving(Stuck) as served:
        dog = watch(served.server.counters)
        globalLogPublisher.addObserver(listen)
        try:
            with served.open() as client:
                client.send("x")
                assert told.wait(15)
                release.set()
        finally:
            release.set()
            globalLogPublisher.removeObserver(listen)
            call(dog.stop)
    assert said[0].endswith("Stuck.filter")


def test_a_reactor_that_rests_is_held_by_nobody() -> None:
    def wait_for_events() -> FrameType:
        return sys._getframe()

    assert culprit_of(None) == ""
    frame = wait_for_events()
    assert culprit_of(frame) != ""
    counters = Counters(reactor)
    dog = watch(counters)
    until(lambda: sum(dog.lags) >= 5)
    call(dog.stop)
    assert held(counters) == {}


def test_without_a_time_to_warn_it_only_measures() -> None:
    counters = Counters(reactor)
    dog = watch(counters, 0)
    assert dog._thread is None
    call(time.sleep, 0.2)
    until(lambda: sum(dog.lags) >= 1)
    call(dog.stop)
    assert held(counters) == {}
    assert dog.lag_sum > 0.05
