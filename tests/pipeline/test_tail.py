"""The tail of one channel: what is behind an offset, made once."""

from filtered_websocket.messages import frames
from filtered_websocket.messages.publication import Position, Publication
from filtered_websocket.pipeline.tail import ENTRY_COST, Tail


def publication(number):
    return Publication("x", ((b"%d" % number, False),), (), Position("e", number))


def tail_of(first, last, dropped=()):
    tail = Tail("x", Position("e", first - 1))
    for number in range(first, last + 1):
        tail.append(None if number in dropped else publication(number), ())
    return tail


def numbers(tail, offset):
    return [int(each.payload) for each in tail.behind(offset).publications]


def test_what_is_behind_an_offset():
    tail = tail_of(5, 9)
    assert (tail.base, tail.top, tail.position) == (4, 9, Position("e", 9))
    assert [numbers(tail, offset) for offset in range(4, 10)] == [
        list(range(offset + 1, 10)) for offset in range(4, 10)
    ]


def test_equal_slices_are_one_and_frames_are_made_once():
    tail = tail_of(1, 3)
    part = tail.behind(1)
    assert tail.behind(1) is part
    assert part.plain == frames.make(b"2", False) + frames.make(b"3", False)
    assert tail.behind(0).entries[1] is part.entries[0]
    tail.append(publication(4), ())
    assert numbers(tail, 1) == [2, 3, 4]
    assert tail.behind(1).entries[0].plain is part.entries[0].plain


def test_what_the_chain_has_dropped_counts_but_is_not_given():
    tail = tail_of(1, 5, dropped=(2, 4))
    assert numbers(tail, 0) == [1, 3, 5]
    assert tail.newest(2, 1 << 20) == (2, 2)
    assert tail.newest(3, 1 << 20) == (0, 3)
    assert tail.newest(4, 1 << 20) == (0, 3)
    assert tail.newest(3, 2 * ENTRY_COST) == (4, 1)


def test_what_comes_before_is_put_in_front():
    tail = tail_of(5, 6)
    tail.extend_back([publication(3), publication(4)], 0)
    assert (tail.base, numbers(tail, 2), numbers(tail, 3)) == (2, [3, 4, 5, 6], [4, 5, 6])
    tail.drop_oldest()
    assert (tail.base, numbers(tail, 3)) == (3, [4, 5, 6])


def test_sizes():
    tail = tail_of(5, 8)
    one = ENTRY_COST + 1
    assert [tail.size(offset) for offset in (4, 6, 8, 9)] == [4 * one, 2 * one, 0, 0]
    tail.extend_back([publication(4)], 0)
    tail.drop_oldest()
    tail.drop_oldest()
    assert (tail.base, tail.bytes, tail.size(5)) == (5, 3 * one, 3 * one)


def test_a_new_beginning():
    tail = tail_of(1, 3)
    before = tail.begin(Position("f", 7))
    assert len(before) == 3
    assert (tail.position, tail.base, tail.bytes, numbers(tail, 7)) == (Position("f", 7), 7, 0, [])


def test_those_that_are_not_for_every_subscriber():
    tail = tail_of(1, 2)
    assert not tail.behind(0).limited
    tail.append(publication(3), {"one"})
    assert tail.behind(0).limited
    assert not tail_of(1, 2).behind(0).limited


def test_what_the_channel_keeps_no_longer(monkeypatch):
    now = 100.0
    monkeypatch.setattr("filtered_websocket.pipeline.tail.time.monotonic", lambda: now)
    tail = tail_of(3, 5)
    now = 110.0
    tail.append(publication(6), ())
    tail.extend_back([publication(2)], 60)
    for seconds, count, floor in ((0, 100, 0), (0, 4, 2), (15, 100, 0), (10, 100, 5), (10, 1, 5)):
        tail.floor = 0
        tail.expire(count, seconds)
        assert tail.floor == floor
    assert tail.newest(10, 1 << 20) == (5, 1)
    now = 200.0
    tail.expire(100, 10)
    assert (tail.floor, tail.newest(10, 1 << 20)) == (6, (6, 0))


def test_what_was_read_is_given_a_moment_only(monkeypatch):
    now = 100.0
    monkeypatch.setattr("filtered_websocket.pipeline.tail.time.monotonic", lambda: now)
    tail = Tail("x", Position("e", 4))
    tail.extend_back([publication(3), publication(4)], 60)
    tail.append(publication(5), ())
    assert (tail.expire(100, 60), tail.floor) == (0, 0)
    now += 2
    assert (tail.expire(100, 60), tail.floor) == (2, 0)  # history is asked anew: it may keep them still
    now += 60
    assert (tail.expire(100, 60), tail.floor) == (0, 5)
