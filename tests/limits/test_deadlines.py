"""Deadlines on a clock that is turned by hand."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from filtered_websocket.limits.deadlines import AT_ONCE, Deadlines
from tests.support.ledger.steady import steady


@given(st.floats(0, 5), st.lists(st.tuples(st.floats(0, 10), st.booleans()), max_size=30))
def test_each_is_told_once_never_early_and_a_second_late_at_most(
    begin: float, wanted: list[tuple[float, bool]]
) -> None:
    clock = Clock()
    clock.advance(begin)
    deadlines = Deadlines(clock)
    told: dict[int, list[float]] = {number: [] for number in range(len(wanted))}
    made = [
        deadlines.call_later(seconds, lambda number=number: told[number].append(clock.seconds()))  # type: ignore[misc]
        for number, (seconds, _) in enumerate(wanted)
    ]
    for deadline, (_, kept) in zip(made, wanted, strict=True):
        if not kept:
            deadline.cancel()
            deadline.cancel()
    for _ in range(1300):
        clock.advance(0.01)
    for number, (seconds, kept) in enumerate(wanted):
        assert len(told[number]) == kept
        assert not kept or begin + seconds <= told[number][0] <= begin + seconds + 1.02
    assert not clock.getDelayedCalls()
    for deadline in made:
        deadline.cancel()


class Counting(Clock):
    """Knows how many timers were set."""

    timers = 0

    def callLater(self, *arguments: Any, **named: Any) -> Any:
        self.timers += 1
        return super().callLater(*arguments, **named)


def test_many_share_one_timer_and_are_told_a_hundred_at_a_time() -> None:
    clock, told = Counting(), list[int]()
    deadlines = Deadlines(clock)
    for number in range(3 * AT_ONCE + 1):
        deadlines.call_later(5, lambda number=number: told.append(number))  # type: ignore[misc]
    assert clock.timers == 1
    clock.advance(5)
    assert told == list(range(3 * AT_ONCE + 1))
    assert clock.timers == 4
    assert not clock.getDelayedCalls()


def test_calling_one_off_looks_at_no_other() -> None:
    deadlines = Deadlines(Clock())
    made: list[Any] = [deadlines.call_later(5, lambda: None) for _ in range(1000)]
    compared = 0

    class Watched(type(made[0])):  # type: ignore[misc]
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return self is other

        __hash__ = object.__hash__

    last = Watched(made[0]._due, lambda: None)
    last.cancel()
    assert compared <= 1
    assert len(made[0]._due) == 1000


def test_one_that_fails_keeps_no_other_from_being_told(caplog: Any) -> None:
    clock, told = Clock(), list[str]()
    deadlines = Deadlines(clock)
    deadlines.call_later(1, lambda: 1 / 0)
    deadlines.call_later(1, lambda: told.append("after it"))
    clock.advance(2)
    assert told == ["after it"]


def test_after_the_stop_none_is_told() -> None:
    clock, told = Clock(), list[str]()
    deadlines = Deadlines(clock)
    deadlines.call_later(1, lambda: told.append("never"))
    deadlines.stop()
    clock.advance(5)
    assert not told
    assert not clock.getDelayedCalls()


def test_at_the_end_all_are_told_and_later_ones_at_once() -> None:
    clock, told = Clock(), list[str]()
    deadlines = Deadlines(clock)

    def fails() -> None:
        raise ValueError

    deadlines.call_later(5, fails)
    deadlines.call_later(5, lambda: told.append("called off")).cancel()
    deadlines.call_later(7, lambda: told.append("before"))
    deadlines.end()
    assert told == ["before"]
    assert not clock.getDelayedCalls()
    deadlines.call_later(7, lambda: told.append("after"))
    clock.advance(0)
    assert told == ["before", "after"]
    assert not clock.getDelayedCalls()


def test_none_is_told_once_they_are_stopped_also_by_one_of_them_and_none_is_set() -> None:
    clock = Clock()
    deadlines = Deadlines(clock)
    told: list[int] = []

    def stop() -> None:
        told.append(1)
        deadlines.stop()

    for call in (stop, lambda: told.append(2)):
        deadlines.call_later(1, call)
    clock.advance(2)
    late = deadlines.call_later(1, lambda: told.append(3))
    clock.advance(10)
    assert told == [1]
    assert not clock.getDelayedCalls()
    late.cancel()


def test_the_end_may_come_within_one_of_them() -> None:
    clock = Clock()
    deadlines = Deadlines(clock)
    told: list[int] = []
    deadlines.call_later(1, deadlines.end)
    deadlines.call_later(1, lambda: told.append(2))
    clock.advance(2)
    deadlines.call_later(5, lambda: told.append(3))
    clock.advance(0)
    assert told == [2, 3]
    assert not clock.getDelayedCalls()


def test_of_a_thousand_that_were_called_off_nothing_is_kept() -> None:
    deadlines = Deadlines(Clock())
    stays = deadlines.call_later(5, lambda: None)
    steady(lambda: deadlines.call_later(5, lambda: None).cancel())
    stays.cancel()
