"""Counting what went wrong, and saying so once per interval."""

import gc

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from filtered_websocket.monitoring.counters import MAX_DETAIL, Counters


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def counters(clock):
    return Counters(clock, interval=10)


@pytest.fixture
def log():
    with capturedLogs() as captured:
        yield lambda: [formatEvent(event) for event in captured]


def test_the_first_of_a_kind_is_logged_at_once_and_the_others_once_per_interval(counters, clock, log):
    for number in range(5):
        counters.count("refused", "origin", f"http://evil{number}")
    counters.count("refused", "no such path")
    assert log() == ["refused: origin (http://evil0)", "refused: no such path"]
    clock.advance(10)
    assert log()[2:] == ["refused: origin, 4 more in 10 s"]
    assert counters.totals == {("refused", "origin"): 5, ("refused", "no such path"): 1}


def test_after_a_quiet_interval_the_next_is_logged_at_once_again(counters, clock, log):
    counters.count("dropped", "x")
    clock.advance(10)
    counters.count("dropped", "x", "second")
    assert log() == ["dropped: x", "dropped: x (second)"]
    clock.advance(10)
    assert len(log()) == 2
    assert clock.getDelayedCalls() == []


def test_stopping_writes_what_is_not_yet_written_and_sets_no_more_timers(counters, clock, log):
    for _ in range(3):
        counters.count("closed", "x")
    counters.stop()
    assert log() == ["closed: x", "closed: x, 2 more in 10 s"]
    counters.count("closed", "x")
    assert counters.totals["closed", "x"] == 4
    assert log()[2:] == ["closed: x"]
    assert clock.getDelayedCalls() == []
    counters.stop()
    assert len(log()) == 3


def test_details_of_peers_cannot_forge_lines(counters, log):
    counters.count("refused", "origin", "a\nb\x1b[2J\u202e")
    assert log() == ["refused: origin (a\\nb\\x1b[2J\\u202e)"]
    counters.count("refused", "path", "x" * 500)
    assert log()[1:] == [f"refused: path ({'x' * MAX_DETAIL})"]


@pytest.mark.parametrize("fails", ["before", "after"])
def test_a_failure_that_nobody_looks_at_is_counted_not_logged_with_a_traceback(counters, log, fails):
    deferred = fail(ValueError("away")) if fails == "before" else Deferred()
    counters.watch(deferred, "publish")
    if fails == "after":
        deferred.errback(ValueError("away"))
    assert not counters.totals
    del deferred
    gc.collect()
    assert counters.totals == {("failed", "publish"): 1}
    assert log() == ["failed: publish (away)"]


def test_a_failure_that_is_handled_or_awaited_is_nobodys_business(counters, log):
    handled = counters.watch(fail(ValueError("x")), "publish")
    handled.addErrback(lambda _: None)

    async def awaits():
        with pytest.raises(ValueError, match="x"):
            await counters.watch(fail(ValueError("x")), "publish")

    awaited = Deferred.fromCoroutine(awaits())
    fine = counters.watch(succeed(1), "publish")
    later = counters.watch(Deferred(), "publish")
    later.callback(1)
    del handled, awaited, fine, later
    gc.collect()
    assert not counters.totals
    assert log() == []


def test_a_failure_in_a_callback_added_later_is_counted_too(counters):
    deferred = counters.watch(succeed(1), "publish")
    deferred.addCallback(lambda _: 1 // 0)
    del deferred
    gc.collect()
    assert counters.totals == {("failed", "publish"): 1}
