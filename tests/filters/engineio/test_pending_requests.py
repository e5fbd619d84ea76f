from typing import Any

import pytest
from twisted.internet.task import Clock

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.engineio.pending_requests import PendingRequests


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def closed() -> list[int]:
    return []


@pytest.fixture
def requests(clock: Clock, closed: list[int]) -> PendingRequests:
    return PendingRequests(clock, closed.append)


def results(deferred: Any) -> list[Any]:
    found: list[Any] = []
    deferred.addBoth(found.append)
    return found


def test_an_answer_comes_once_and_a_late_one_does_no_harm(requests: PendingRequests, closed: list[int]) -> None:
    number, answer = requests.new()
    assert number in requests
    requests.answer(number, "yes")
    requests.answer(number, "no")
    assert results(answer) == ["yes"]
    assert number not in requests
    assert closed[0] == number


def test_without_an_answer_in_time_it_is_none(requests: PendingRequests, clock: Clock) -> None:
    number, answer = requests.new()
    found = results(answer)
    requests.expect(number, 3)
    clock.advance(2)
    requests.expect(number, 10)
    clock.advance(9)
    assert found == []
    clock.advance(1)
    assert found == [None]


def test_a_request_that_is_cancelled_is_told_and_leaves_no_timer(requests: PendingRequests, clock: Clock) -> None:
    cancelled: list[int] = []
    number, answer = requests.new(cancelled.append)
    results(answer)
    requests.expect(number, 3)
    answer.cancel()
    assert cancelled == [number]
    assert not clock.getDelayedCalls()


def test_at_the_end_all_that_wait_fail(requests: PendingRequests, clock: Clock) -> None:
    found = [results(requests.new()[1]) for _ in range(2)]
    requests.stop()
    assert [type(each.value) for (each,) in found] == [StorageAway] * 2
    assert not clock.getDelayedCalls()
