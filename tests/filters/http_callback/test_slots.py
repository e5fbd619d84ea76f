"""Who may ask next."""

import pytest

from filtered_websocket.filters.http_callback.slots import Full, Slots


def waits(slots, kind, taken, name):
    slots.take(kind).addCallbacks(lambda _: taken.append(name), lambda failure: taken.append((name, failure.value)))


def test_kinds_take_turns_and_within_a_kind_they_come_in_order():
    slots, taken = Slots(1, 10), []
    for number in range(4):
        waits(slots, "handshake", taken, f"h{number}")
    for number in range(2):
        waits(slots, "message", taken, f"m{number}")
    for _ in range(5):
        slots.free()
    assert taken == ["h0", "h1", "m0", "h2", "m1", "h3"]
    slots.free()
    assert slots.taken == 0


def test_so_many_of_a_kind_wait():
    slots, taken = Slots(1, 2), []
    for number in range(3):
        waits(slots, "handshake", taken, number)
    with pytest.raises(Full):
        slots.take("handshake")
    waits(slots, "message", taken, "m")
    none = Slots(1, 0)
    none.take("message")
    with pytest.raises(Full):
        none.take("message")


def test_one_that_gives_up_keeps_no_place():
    slots, taken = Slots(1, 1), []
    slots.take("message")
    gone = slots.take("message").addErrback(lambda _: None)
    gone.cancel()
    waits(slots, "message", taken, "next")
    slots.free()
    assert taken == ["next"]
    slots.free()
    assert slots.taken == 0


def test_all_that_wait_can_be_told_at_once():
    slots, taken, error = Slots(1, 2000), [], ValueError("away")
    slots.take("message")
    for number in range(2000):
        waits(slots, "message", taken, number)
    slots.fail(error)
    assert taken == [(number, error) for number in range(2000)]
    slots.free()
    assert slots.taken == 0
