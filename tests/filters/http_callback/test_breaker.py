"""When a backend is asked, by a clock that stands still."""

import pytest
from twisted.internet.task import Clock

from filtered_websocket.filters.http_callback.breaker import LONGEST_PAUSE, Breaker, Open


class Seen:
    def __init__(self, most=3, pause=1.0):
        self.clock, self.changes = Clock(), []
        self.breaker = Breaker(self.clock.seconds, most, pause, lambda why, seconds: self.changes.append(why))

    def ask(self, *faults):
        for fault in faults:
            self.breaker.enter().over(fault)

    def open(self):
        self.ask("a", "b", "c")
        assert self.breaker.is_open


def test_so_many_failures_in_a_row_open_it_and_one_success_in_between_does_not_let_them():
    seen = Seen()
    seen.ask("a", "b", "", "a", "b")
    assert not seen.breaker.is_open
    seen.ask("the last")
    assert seen.changes == ["the last"]
    with pytest.raises(Open) as away:
        seen.breaker.enter()
    assert 0.5 <= away.value.seconds <= 1.0


def test_after_its_pause_one_is_let_through_and_its_answer_closes_it():
    seen = Seen()
    seen.open()
    seen.clock.advance(1)
    probe = seen.breaker.enter()
    with pytest.raises(Open):
        seen.breaker.enter()
    probe.over("")
    assert seen.changes == ["c", ""]
    assert seen.breaker.wait == 0
    seen.ask("a", "b")
    assert not seen.breaker.is_open


def test_its_failure_doubles_the_pause_and_is_no_change():
    seen = Seen()
    seen.open()
    for doubled in (2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE):
        seen.clock.advance(LONGEST_PAUSE)
        seen.ask("still")
        assert doubled / 2 <= seen.breaker.wait <= doubled
    assert seen.changes == ["c"]
    seen.clock.advance(LONGEST_PAUSE)
    seen.ask("")
    seen.open()
    assert seen.breaker.wait <= 1, "the first pause again"


def test_a_probe_that_was_given_up_lets_the_next_through():
    seen = Seen()
    seen.open()
    seen.clock.advance(1)
    seen.ask(None)
    assert seen.breaker.is_open
    seen.ask("")
    assert not seen.breaker.is_open


def test_what_was_asked_before_it_opened_says_nothing_afterwards():
    seen = Seen()
    early = [seen.breaker.enter() for _ in range(4)]
    seen.open()
    early[0].over("")
    assert seen.breaker.is_open
    early[1].over("late")
    assert seen.breaker.wait <= 1
    seen.clock.advance(1)
    seen.ask("")
    early[2].over("late")
    early[3].over("late")
    seen.ask("a", "b")
    assert not seen.breaker.is_open
    early[3].over("told twice")
    assert not seen.breaker.is_open


def test_with_0_it_never_opens():
    seen = Seen(most=0)
    seen.ask(*["fault"] * 100)
    assert seen.changes == []
    seen.breaker.enter()


def test_a_first_pause_that_is_long_is_not_cut():
    seen = Seen(most=1, pause=100.0)
    seen.ask("a")
    assert 50 <= seen.breaker.wait <= 100
    seen.clock.advance(100)
    seen.ask("b")
    assert 50 <= seen.breaker.wait <= 100
