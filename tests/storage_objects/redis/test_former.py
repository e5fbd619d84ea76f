"""What was held under a name whose lease has ended, while its node stood still."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.testing.clock import ClockReactor
from tests.simulation.redis_model.nodes import Nodes, on_one_clock
from tests.support.backends import Recorder

LEASE = 6.0


class Still:
    """A node that stands still except when it is told to go on, and another that sees its lease end."""

    def __init__(self, nodes: Nodes, patched: Any) -> None:
        self.other, self.heard = nodes.node()
        self._nodes, self._patched = nodes, patched
        self.clock, self.recorder = ClockReactor(), Recorder()
        self.clock.rightNow = nodes.clock.rightNow
        self.way = nodes.model.way(self.clock)
        self.storage = nodes.model.storage(self.way, lease_seconds=LEASE, redis_heartbeat=1.0)
        self.ask(self.storage.start, self.recorder)

    def begin(self, function: Callable[..., Deferred[Any]], *arguments: Any) -> list[Any]:
        outcome: list[Any] = []
        self.clock.callFromThread(lambda: function(*arguments).addBoth(outcome.append))
        return outcome

    def ask(self, function: Callable[..., Deferred[Any]], *arguments: Any) -> Any:
        outcome = self.begin(function, *arguments)
        self.go_on()
        [found] = outcome
        return found

    def go_on(self, seconds: float = 0.0) -> None:
        """It lives with the others."""
        end = self._nodes.clock.rightNow + seconds
        while True:
            with self.clock.in_place_of(self._patched):
                self.clock.rightNow = self._nodes.clock.rightNow
                self.clock.rest(lambda: False)
            self._nodes.settle()
            if self._nodes.clock.rightNow >= end:
                break
            self._nodes.advance(0.05)

    def is_swept(self) -> None:
        self._nodes.advance(2 * LEASE)

    def is_swept_by_a_slow_one(self) -> None:
        """The other has not heard yet what its sweep has taken out."""
        self._nodes.model.ways[0].slow(1)
        while b"fws:p:room" in self._nodes.model.redis.data.values:
            self._nodes.advance(0.05)
        assert self.heard.left == []

    def loses_the_other(self) -> None:
        self._nodes.model.ways[0].go_away()

    @property
    def members(self) -> set[str]:
        return set(self._nodes.ask(self.other.members, "room"))


@pytest.fixture
def still() -> Iterator[Still]:
    from twisted.internet import reactor

    with on_one_clock() as nodes:
        still = Still(nodes, reactor)
        for member in ("ada", "bob"):
            assert still.ask(still.storage.join, "room", member, "1", member) is True
        yield still
        still.way.slow(0)
        still.begin(still.storage.stop)
        still.go_on(1)


def test_what_others_have_swept_and_is_still_held_is_said_to_be_back(still):
    still.is_swept()
    assert sorted(still.heard.left) == [("room", "ada", "ada"), ("room", "bob", "bob")]
    still.go_on(2)
    assert sorted(still.recorder.returned) == [("room", "ada", "ada"), ("room", "bob", "bob")]
    assert (still.recorder.left, still.members) == ([], {"ada", "bob"})


def test_of_what_leaves_as_soon_as_it_is_claimed_anew_others_hear_no_second_time(still):
    still.is_swept()
    left = still.begin(still.storage.leave, "room", "ada", "1")
    still.go_on(2)
    assert left == [False]
    assert (still.recorder.returned, still.recorder.left) == ([("room", "bob", "bob")], [])
    assert still.members == {"bob"}
    assert still.ask(still.storage.leave, "room", "bob", "1") is True


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.5])
def test_while_all_is_claimed_a_leave_waits_for_what_the_claim_finds(still, seconds):
    still.is_swept()
    still.way.slow(0.2)
    still.go_on(seconds)
    left = still.begin(still.storage.leave, "room", "ada", "1")
    still.go_on(3)
    assert left == [False]
    assert (still.recorder.returned, still.members) == ([("room", "bob", "bob")], {"bob"})


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.5, 0.7])
def test_it_is_said_to_be_back_too_when_the_claim_was_cut_off(still, seconds):
    still.is_swept()
    still.way.slow(0.2)
    still.go_on(seconds)
    still.way.cut()
    still.go_on(5)
    assert sorted(still.recorder.returned) == [("room", "ada", "ada"), ("room", "bob", "bob")]
    assert (still.recorder.left, still.members) == ([], {"ada", "bob"})


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.5, 0.7])
@pytest.mark.parametrize("knows", [True, False])
def test_of_one_that_leaves_when_the_connection_is_gone_others_hear_no_second_time(still, seconds, knows):
    still.is_swept()
    still.way.slow(0.2)
    still.go_on(seconds)
    still.way.slow(0 if knows else 0.2)
    still.way.cut()
    still.begin(still.storage.leave, "room", "ada", "1")
    still.go_on(5)
    assert still.members == {"bob"}
    came = [("back", *each) for each in still.recorder.returned if each[1] == "ada"]
    went = [("left", *each) for each in still.recorder.left if each[1] == "ada"]
    assert len(came) == len(went)


def test_it_is_said_to_be_back_when_others_have_said_that_it_left(still):
    still.is_swept_by_a_slow_one()
    while not still.heard.left:
        assert still.recorder.returned == []
        still.go_on(0.05)
    still.go_on(2)
    assert sorted(still.recorder.returned) == [("room", "ada", "ada"), ("room", "bob", "bob")]
    assert (sorted(still.heard.left), still.recorder.left) == ([("room", "ada", "ada"), ("room", "bob", "bob")], [])


def test_one_that_leaves_before_others_have_said_that_it_left_is_not_told_again(still):
    still.is_swept_by_a_slow_one()
    still.go_on(0.1)
    assert still.ask(still.storage.leave, "room", "ada", "1") is False
    still.go_on(3)
    assert sorted(still.heard.left) == [("room", "ada", "ada"), ("room", "bob", "bob")]
    assert (still.recorder.returned, still.recorder.left) == ([("room", "bob", "bob")], [])


def test_for_one_that_has_swept_and_is_gone_nobody_waits_longer_than_a_lease(still):
    still.is_swept_by_a_slow_one()
    still.loses_the_other()
    still.go_on(LEASE / 2)
    assert still.recorder.returned == []
    still.go_on(LEASE)
    assert sorted(still.recorder.returned) == [("room", "ada", "ada"), ("room", "bob", "bob")]
