"""Connections that have had their share of a turn go on in later ones, one after another."""

import pytest

from filtered_websocket.limits import fair_share
from filtered_websocket.limits.fair_share import FairShare


class Turns:
    """A reactor's turns: what is called later runs in the next. Twisted's clock runs it in the same."""

    def __init__(self):
        self.calls = []

    def callLater(self, delay, call):
        assert delay == 0
        self.calls.append(call)

    def end(self):
        """At most one call a turn: the connections of the queue share it."""
        (call,), self.calls = self.calls, []
        call()


@pytest.fixture
def turns():
    return Turns()


@pytest.fixture
def share(turns):
    return FairShare(turns)


@pytest.fixture
def short(monkeypatch):
    """The time of a turn is over as soon as one has proceeded."""
    monkeypatch.setattr(fair_share, "QUEUE_SECONDS", -1.0)


class Flood:
    """A connection with so many steps left."""

    def __init__(self, share, name, steps, done):
        self._share, self._name, self._steps, self._done = share, name, steps, done

    def proceed(self):
        self._steps -= 1
        self._done.append(self._name)
        if self._steps:
            self._share.add(self)


def floods(share, **steps):
    done = []
    for name, count in steps.items():
        share.add(Flood(share, name, count, done))
    return done


def test_all_that_fit_in_the_time_of_a_turn_proceed_in_it_in_their_order(share, turns):
    done = floods(share, a=1, b=1, c=1)
    assert (done, len(share)) == ([], 3)
    turns.end()
    assert done == ["a", "b", "c"]
    assert (len(share), turns.calls) == (0, [])


@pytest.mark.usefixtures("short")
def test_one_proceeds_in_each_turn_however_short_it_is_and_they_take_turns(share, turns):
    done = floods(share, a=3, b=2, c=1)
    for number in range(1, 7):
        turns.end()
        assert len(done) == number
    assert done == ["a", "b", "c", "a", "b", "a"]
    assert (len(share), turns.calls) == (0, [])


@pytest.mark.usefixtures("short")
def test_one_that_had_its_share_just_now_comes_behind_those_that_still_wait(share, turns):
    done = floods(share, a=2, b=1)
    turns.end()
    late = floods(share, c=1)
    for _ in range(3):
        turns.end()
    assert (done, late) == (["a", "b", "a"], ["c"])
    assert (len(share), turns.calls) == (0, [])


def test_one_that_fails_holds_up_no_other(share, turns):
    class Fails:
        def proceed(self):
            raise ZeroDivisionError

    share.add(Fails())
    done = floods(share, a=2)
    with pytest.raises(ZeroDivisionError):
        turns.end()
    turns.end()
    turns.end()
    assert done == ["a", "a"]
