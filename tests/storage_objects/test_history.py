"""What histories in memory cost: the same, however many there are and however much they keep."""

from collections import deque

import pytest

from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects import history, kept
from filtered_websocket.storage_objects.base import EPOCH_SECONDS, Keep, Pool
from filtered_websocket.storage_objects.history import Histories
from tests.support.backends import message

ALL = Pool("all", 0, 0)


class Walked(deque):
    """Counts what is taken from it one by one."""

    steps = 0

    def _counted(self, items):
        for item in items:
            Walked.steps += 1
            yield item

    def __iter__(self):
        return self._counted(super().__iter__())

    def __reversed__(self):
        return self._counted(super().__reversed__())


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(history.time, "monotonic", lambda: now[0])
    return now


def histories():
    return Histories(lambda *_: None)


@pytest.mark.parametrize("size", [100, 10_000])
def test_since_walks_over_what_was_missed_and_no_further(size):
    all_of_them = histories()
    for number in range(size):
        position = all_of_them.append(message("room", str(number)), Keep(size, 0, ALL))
    ours = all_of_them._histories["room"]
    ours.kept = Walked(ours.kept)
    Walked.steps = 0
    assert all_of_them.since("room", position) == []
    missed = all_of_them.since("room", Position(position.epoch, position.offset - 3))
    assert [each.payload for each in missed] == [b"%d" % number for number in range(size - 3, size)]
    assert Walked.steps <= 10


@pytest.mark.parametrize("size", [100, 10_000])
def test_an_append_looks_at_few_other_histories_however_many_there_are(size, monkeypatch):
    looks = [0]
    trim = kept.History.trim

    def counted(self, now):
        looks[0] += 1
        trim(self, now)

    monkeypatch.setattr(kept.History, "trim", counted)
    all_of_them, most = histories(), 0
    for number in range(size):
        looks[0] = 0
        all_of_them.append(message(f"room {number}", ""), Keep(1, 60, ALL))
        most = max(most, looks[0])
    full = Pool("all", size * 400, 0)
    for number in range(size):
        looks[0] = 0
        all_of_them.append(message(f"room {number}", ""), Keep(1, 60, full))
        most = max(most, looks[0])
    assert most <= 20


def test_what_is_too_old_goes_while_others_are_written_to(clock):
    all_of_them = histories()
    for number in range(1000):
        all_of_them.append(message(f"room {number}", ""), Keep(1, 60, ALL))
    clock[0] += 61
    for _ in range(600):
        all_of_them.append(message("busy", ""), Keep(1, 60, ALL))
    assert sum(len(each.kept) for each in all_of_them._histories.values()) == 1
    clock[0] += EPOCH_SECONDS
    for _ in range(600):
        all_of_them.append(message("busy", ""), Keep(1, 60, ALL))
    assert all_of_them._histories.keys() == {"busy"}
    assert len(all_of_them._turns) == 1


def test_of_histories_and_pools_that_come_and_go_nothing_stays(clock):
    all_of_them = histories()
    for number in range(5000):  # as apps come and go, each with its pool
        all_of_them.position(f"room {number}", Pool("all", 0, 10))
        all_of_them.append(message(f"other {number}", ""), Keep(1, 60, Pool(f"app {number}", 1, 1)))
        all_of_them._forget(all_of_them._histories[f"other {number}"])
    assert len(all_of_them._histories) == 10
    assert len(all_of_them._turns) <= 100
    assert len(all_of_them._pools) <= 10


def test_histories_that_are_written_to_often_are_looked_at_once_in_a_lap(clock, monkeypatch):
    looks, trim = [0], kept.History.trim

    def counted(self, now):
        looks[0] += 1
        trim(self, now)

    monkeypatch.setattr(kept.History, "trim", counted)
    all_of_them = histories()
    for _ in range(3):
        for number in range(1000):
            clock[0] += history.LAP_SECONDS / 1000
            all_of_them.append(message(f"room {number % 10}", ""), Keep(1000, 60, ALL))
    assert 20 <= looks[0] <= 40
