"""Acknowledgements that are owed, given, late, or never."""

import pytest
from twisted.internet.task import Clock

from filtered_websocket.errors import NotAllowed
from filtered_websocket.filters.socketio.acknowledgements import Acknowledgements, NoAnswer


def test_one_is_given_once_and_only_by_the_client_that_owes_it() -> None:
    owed = Acknowledgements(Clock())
    answer = owed.expect("a", 5, 10, 9)
    assert not owed.given("b", 5, [1])
    assert not owed.given("a", 6, [1])
    assert owed.given("a", 5, [1, b"x"])
    assert not owed.given("a", 5, [2])
    results: list[object] = []
    answer.addCallback(results.append)
    assert results == [[1, b"x"]]
    assert owed.of("a") == []


def test_one_that_does_not_come_in_time_is_given_up_and_what_comes_later_is_passed_over() -> None:
    clock = Clock()
    owed = Acknowledgements(clock)
    failures: list[object] = []
    owed.expect("a", 5, 10, 9).addErrback(lambda failure: failures.append(failure.value))
    clock.advance(9.9)
    assert not failures
    clock.advance(0.2)
    (error,) = failures
    assert isinstance(error, NoAnswer)
    assert str(error) == "no acknowledgement within 10 s"
    assert not owed.given("a", 5, [])


def test_a_client_that_has_gone_owes_nothing() -> None:
    clock = Clock()
    owed = Acknowledgements(clock)
    failures: list[str] = []
    for name in ("a", "a", "b"):
        owed.expect(name, owed.new_number(), 10, 9).addErrback(lambda failure: failures.append(str(failure.value)))
    owed.gone("a")
    assert failures == ["the client has gone"] * 2
    owed.stop()
    assert len(failures) == 3
    assert not clock.getDelayedCalls()


def test_one_that_is_cancelled_is_not_owed_any_more() -> None:
    clock = Clock()
    owed = Acknowledgements(clock)
    answer = owed.expect("a", 5, 10, 1)
    answer.addErrback(lambda failure: None)
    answer.cancel()
    assert not clock.getDelayedCalls()
    owed.expect("a", 6, 10, 1).addErrback(lambda failure: None)
    owed.stop()


def test_a_client_owes_no_more_than_is_allowed() -> None:
    owed = Acknowledgements(Clock())
    owed.expect("a", 1, 10, 1).addErrback(lambda failure: None)
    with pytest.raises(NotAllowed, match="owes 1"):
        owed.expect("a", 2, 10, 1)
    owed.given("a", 1, [])
    owed.expect("a", 3, 10, 1).addErrback(lambda failure: None)
    owed.stop()
