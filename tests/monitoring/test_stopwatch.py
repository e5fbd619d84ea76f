import gc
import time
import weakref
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from filtered_websocket.chain.running import run
from filtered_websocket.errors import StopChain
from filtered_websocket.monitoring.stopwatch import INTERVAL, Stopwatch


class Filter:
    def __init__(self, name: str) -> None:
        self.__module__, self.__qualname__ = "mine", name


class Pipeline:
    """What the stopwatch knows of one."""

    name = "/chat"

    def __init__(self, **steps: Any) -> None:
        self.filters = {"message": tuple(Filter(name) for name in steps), "connect": ()}
        self.chains: dict[str, tuple[Any, ...]] = {"message": tuple(steps.values()), "connect": ()}


class Server:
    def __init__(self, *pipelines: Pipeline) -> None:
        self.pipelines = pipelines


def times(watch: Stopwatch) -> dict[str, tuple[int, float]]:
    return {name: (each.count, each.seconds) for (_, _, name), each in watch.times.items()}


def test_one_run_is_timed_and_the_plain_chain_is_back_for_the_next() -> None:
    pipeline = Pipeline(a=lambda instance, data: time.sleep(0.02), b=lambda instance, data: data + 1)
    plain = pipeline.chains["message"]
    watch = Stopwatch(Server(pipeline), Clock())
    watch.arm()
    assert pipeline.chains["message"] is not plain
    assert run(pipeline.chains["message"], None, 1) == 2
    assert pipeline.chains["message"] is plain
    assert run(pipeline.chains["message"], None, 1) == 2
    found = times(watch)
    assert found["mine.a"][0] == found["mine.b"][0] == 1
    assert found["mine.a"][1] >= 0.02 > found["mine.b"][1]
    assert next(iter(watch.times)) == ("/chat", "message", "mine.a")


def test_a_chain_that_a_reload_has_replaced_is_let_go() -> None:
    pipeline = Pipeline(a=None)
    watch = Stopwatch(Server(pipeline), Clock())
    former = []
    for _ in range(3):
        pipeline.chains = {"message": (lambda instance, data: None,), "connect": ()}
        former.append(weakref.ref(pipeline.chains["message"][0]))
        watch.arm()
    gc.collect()
    assert [each() is None for each in former] == [True, True, False]


def test_a_chain_that_does_not_run_stays_armed_and_an_empty_one_is_left_alone() -> None:
    pipeline = Pipeline(a=lambda instance, data: None)
    clock = Clock()
    watch = Stopwatch(Server(pipeline), clock)
    watch.start()
    clock.advance(INTERVAL)
    armed = pipeline.chains["message"]
    clock.advance(INTERVAL)
    assert pipeline.chains["message"] is armed
    assert pipeline.chains["connect"] == ()
    run(armed, None, None)
    clock.advance(INTERVAL)
    assert pipeline.chains["message"] is armed
    watch.stop()
    assert not clock.getDelayedCalls()


def test_a_filter_that_fails_or_stops_the_chain_is_timed_and_the_plain_chain_is_back() -> None:
    for error in (ValueError, StopChain):

        def fail(instance: Any, data: Any, error: type[BaseException] = error) -> None:
            raise error

        pipeline = Pipeline(a=fail, b=lambda instance, data: None)
        plain = pipeline.chains["message"]
        watch = Stopwatch(Server(pipeline), Clock())
        watch.arm()
        with pytest.raises(error):
            run(pipeline.chains["message"], None, None)
        assert pipeline.chains["message"] is plain
        assert times(watch)["mine.a"][0] == 1
        assert times(watch)["mine.b"][0] == 0


def test_the_time_of_an_asynchronous_filter_lasts_until_its_result() -> None:
    deferred: Deferred[str] = Deferred()
    awaited: Deferred[str] = Deferred()

    async def coroutine(instance: Any, data: Any) -> str:
        return data + await awaited

    pipeline = Pipeline(a=lambda instance, data: deferred, b=coroutine)
    watch = Stopwatch(Server(pipeline), Clock())
    watch.arm()
    result = run(pipeline.chains["message"], None, "x")
    outcome: list[Any] = []
    result.addBoth(outcome.append)
    assert times(watch)["mine.a"][0] == 0
    deferred.callback("a")
    assert times(watch)["mine.a"][0] == 1
    assert times(watch)["mine.b"][0] == 0
    awaited.callback("b")
    assert times(watch)["mine.b"][0] == 1
    assert outcome == ["ab"]


def test_filters_loaded_anew_are_not_overwritten_by_the_old_chain() -> None:
    pipeline = Pipeline(a=lambda instance, data: "old")
    watch = Stopwatch(Server(pipeline), Clock())
    watch.arm()
    armed = pipeline.chains["message"]
    new = (lambda instance, data: "new",)
    pipeline.chains["message"] = new
    assert run(armed, None, None) == "old"
    assert pipeline.chains["message"] is new
