"""Timers that go when what they would end has come."""

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from filtered_websocket.chain.clock import called_off


def test_what_has_come_in_time_leaves_no_timer() -> None:
    clock, told = Clock(), list[str]()
    waited: Deferred[str] = Deferred()
    waited.addBoth(called_off, clock.callLater(5, told.append, "too late"))
    waited.addBoth(told.append)
    waited.callback("in time")
    assert (told, clock.getDelayedCalls()) == (["in time"], [])


def test_a_timer_that_has_run_or_never_was_is_no_fault() -> None:
    clock, told = Clock(), list[str]()
    waited: Deferred[str] = Deferred()
    waited.addBoth(called_off, clock.callLater(5, waited.callback, "too late"))
    waited.addBoth(told.append)
    clock.advance(5)
    assert told == ["too late"]
    assert called_off("x", None) == "x"
