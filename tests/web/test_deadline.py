"""A deadline, until it is set anew."""

import gc
import weakref

from twisted.internet.task import Clock

from filtered_websocket.web.deadline import Deadline


def test_a_deadline_passes_once_when_its_time_is_over() -> None:
    clock, passed = Clock(), []
    deadline = Deadline(clock)
    deadline.set(5, lambda: passed.append(clock.seconds()))
    clock.advance(4.9)
    assert passed == []
    clock.advance(0.1)
    assert passed == [5]
    clock.advance(100)
    assert passed == [5]
    assert clock.getDelayedCalls() == []


def test_what_is_read_when_the_time_is_over_still_stops_the_deadline() -> None:
    # The reactor was held: timers come first, then what has come meanwhile.
    clock, passed = Clock(), []
    deadline = Deadline(clock)
    deadline.set(5, lambda: passed.append("late"))
    clock.callLater(5, deadline.stop)
    clock.advance(100)
    assert passed == []
    assert clock.getDelayedCalls() == []
    deadline.stop()


def test_a_deadline_that_is_set_anew_takes_the_place_of_the_former() -> None:
    clock, passed = Clock(), []
    deadline = Deadline(clock)
    deadline.set(5, lambda: passed.append("first"))
    clock.advance(4)
    deadline.set(5, lambda: passed.append("second"))
    clock.pump([4, 0])
    assert passed == []
    clock.pump([1, 0])
    assert passed == ["second"]


def test_a_deadline_may_be_set_again_by_what_it_calls() -> None:
    clock, passed = Clock(), []
    deadline = Deadline(clock)

    def again() -> None:
        passed.append(clock.seconds())
        if len(passed) < 3:
            deadline.set(1, again)

    deadline.set(1, again)
    clock.pump([1, 0] * 5)
    assert passed == [1, 2, 3]


def test_an_owner_that_has_stopped_its_deadline_is_not_kept() -> None:
    class Owner:
        def __init__(self, clock: Clock) -> None:
            self.deadline = Deadline(clock)
            self.deadline.set(100, self.late)

        def late(self) -> None: ...

    clock = Clock()
    owner = Owner(clock)
    owner.deadline.stop()
    gone = weakref.ref(owner)
    gc.disable()
    try:
        del owner
        assert gone() is None
    finally:
        gc.enable()
