"""The tails of a pipeline: which channels have one, what they hold together, what shows that something is missing."""

from types import SimpleNamespace

import pytest

from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.pipeline.tail import ENTRY_COST
from filtered_websocket.pipeline.tails import Tails


@pytest.fixture
def followed():
    return {"x", "y"}


@pytest.fixture
def tails(followed):
    tails = Tails(followed)
    limit(tails)
    return tails


def limit(tails, publications=100, bytes_each=1 << 20, bytes_all=1 << 20):
    options = SimpleNamespace(recovery_publications=publications, recovery_bytes=bytes_each, recovery_tails=bytes_all)
    tails.limit(options)


def take(tails, channel, offset, epoch="e"):
    position = Position(epoch, offset)
    return tails.take(channel, position, Publication(channel, ((b"", False),), (), position), ())


def test_a_channel_that_is_followed_has_one_from_its_first_publication(tails):
    assert take(tails, "x", 5)
    assert take(tails, "other", 5)
    assert (tails.get("x").base, tails.get("x").top, tails.get("other")) == (4, 5, None)


def test_or_from_where_storage_says_that_it_stands(tails):
    tails.stand("x", Position("e", 7))
    tails.stand("other", Position("e", 7))
    assert (tails.get("x").position, tails.get("other")) == (Position("e", 7), None)
    take(tails, "x", 8)
    tails.stand("x", Position("e", 3))
    assert tails.get("x").top == 8


def test_what_was_heard_before_is_not_taken(tails):
    take(tails, "x", 5)
    assert not take(tails, "x", 5)
    assert not take(tails, "x", 4)
    assert take(tails, "x", 6)


def test_a_hole_is_told_and_what_is_before_it_forgotten(tails):
    lost = []
    tails.lost = lambda *about: lost.append(about) or tails.stand_anew(*about)
    take(tails, "x", 5)
    assert take(tails, "x", 8)
    assert lost == [("x", Position("e", 7))]
    assert (tails.get("x").base, tails.get("x").top) == (7, 8)


def test_another_epoch_is_no_hole(tails):
    take(tails, "x", 5)
    assert take(tails, "x", 4, "f")
    assert (tails.get("x").base, tails.get("x").position) == (3, Position("f", 4))


def test_what_was_skipped_is_told_unless_it_shows_anyway(tails):
    lost = []
    tails.lost = lambda *about: lost.append(about)
    take(tails, "x", 5)
    tails.skip("x", Position("e", 5))
    tails.skip("y", Position("e", 9))
    assert lost == []
    tails.skip("x", Position("e", 7))
    tails.skip("x", Position("f", 3))
    assert lost == [("x", Position("e", 7)), ("x", Position("f", 3))]


def test_each_is_bounded_in_number(tails):
    limit(tails, publications=3)
    for offset in range(1, 6):
        take(tails, "x", offset)
    tail = tails.get("x")
    assert (tail.base, tail.top, tail.far) == (2, 5, 2)


def test_each_is_bounded_in_bytes(tails):
    limit(tails, bytes_each=2 * ENTRY_COST)
    for offset in range(1, 6):
        take(tails, "x", offset)
    assert tails.get("x").base == tails.get("x").far == 3


def test_all_together_lose_the_oldest_first(tails):
    limit(tails, bytes_all=3 * ENTRY_COST)
    for channel, offset in (("x", 1), ("y", 1), ("y", 2), ("x", 2), ("y", 3)):
        take(tails, channel, offset)
    assert (tails.get("x").base, tails.get("y").base) == (1, 1)
    assert tails.get("y").far == 0


def test_one_that_is_pinned_loses_nothing_up_to_twice_its_limit(tails):
    limit(tails, publications=2, bytes_all=0)
    tails.stand("x", Position("e", 0))
    tail = tails.get("x")
    tails.pin(tail)
    for offset in range(1, 7):
        take(tails, "x", offset)
        take(tails, "y", offset)
    assert (tail.base, tail.top, len(tails.get("y").entries)) == (2, 6, 0)
    tails.let_go(tail)
    assert len(tail.entries) == 0


def test_one_that_is_pinned_is_bounded_in_bytes_however_small_its_oldest_are(tails):
    limit(tails, publications=100, bytes_each=10 * ENTRY_COST)
    for offset in range(1, 11):
        take(tails, "x", offset)
    tail = tails.get("x")
    tails.pin(tail)
    large = Publication("x", ((b"y" * 9 * ENTRY_COST, False),))
    for offset in range(11, 21):
        tails.take("x", Position("e", offset), large, ())
        assert tail.bytes <= 20 * ENTRY_COST
    assert (tail.base, tail.far, tail.top) == (18, 18, 20)


def test_what_is_forgotten_takes_no_room(tails, followed):
    for offset in range(1, 4):
        take(tails, "x", offset)
    tails.stand_anew("x", Position("e", 9))
    take(tails, "x", 10)
    tails.stand_anew("x", None)
    assert tails.get("x") is None
    assert tails._bytes == len(tails._order) == 0


def test_those_that_are_watched_tell_when_they_have_moved(tails):
    moved = []
    tails.moved = moved.append
    tails.watched.add("x")
    take(tails, "x", 1)
    take(tails, "y", 1)
    assert moved == ["x"]
