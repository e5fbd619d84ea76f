from typing import Any

import pytest

from filtered_websocket.filters.socketio.recovery.items import Change, Emit, Mark
from filtered_websocket.filters.socketio.recovery.offsets import tag
from filtered_websocket.filters.socketio.recovery.window import Window
from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects.base import PUBLICATION_COST


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def window(clock: Clock) -> Window:
    made = Window(100.0, 10 * (PUBLICATION_COST + 10), clock)
    made.restart(Position("a", 5))
    return made


def emit(*to: str) -> Emit:
    return Emit(to, (), ((b'42["e"]', False),))


def add(window: Window, *to: str) -> Any:
    return window.append(window.top + 1, emit(*to), ((b'42["e","o"]', False),), 10)


def numbers(window: Window, room: str, after: int = 0) -> list[int]:
    return [entry.number for entry in window.of_room(room, after)]


def test_what_is_for_a_room_is_found_newest_first(window: Window) -> None:
    for room in ("x", "y", "x"):
        add(window, room)
    add(window, "x", "y", "x")
    assert (numbers(window, "x"), numbers(window, "y"), numbers(window, "z")) == ([9, 8, 6], [9, 7], [])
    assert numbers(window, "x", 8) == [9]
    assert window.position == Position("a", 9)


def test_orders_are_found_by_whom_they_mean(window: Window) -> None:
    window.append(6, Change(("x",), (), "", ("y",), ()), (), 10)
    assert (numbers(window, "x"), numbers(window, "y")) == ([6], [])


def test_more_bytes_than_it_may_have_push_out_the_oldest(window: Window) -> None:
    for _ in range(12):
        add(window, "x")
    assert len(window) == 10
    assert (window.begin, window.top) == (7, 17)
    assert numbers(window, "x")[-1] == 8
    assert window.left_of("x") == 7


def test_age_pushes_them_out(window: Window, clock: Clock) -> None:
    add(window, "x")
    clock.now = 101
    add(window, "y")
    assert (window.begin, numbers(window, "x"), window.bytes) == (6, [], PUBLICATION_COST + 10)


def test_what_has_left_is_known_until_all_have_taken_account_of_it(window: Window) -> None:
    for _ in range(12):
        add(window, "x")
    window.account(6)
    assert window.left_of("x") == 7
    window.account(7)
    assert window.left_of("x") == 0


def test_a_loss_empties_it(window: Window) -> None:
    add(window, "x")
    window.restart(Position("b", 40))
    assert (len(window), window.begin, window.position, numbers(window, "x")) == (0, 40, Position("b", 40), [])
    assert window.end_of(tag("a")) is None


def test_a_bridge_keeps_what_the_new_epoch_has_and_no_more(window: Window) -> None:
    for _ in range(3):
        add(window, "x")
    window.bridge(Position("b", 7))
    add(window, "x")
    assert numbers(window, "x") == [8, 7, 6]
    assert window.end_of(tag("a")) == 7
    assert window.end_of(tag("b")) == float("inf")
    assert window.end_of(tag("c")) is None
    window.bridge(Position("c", 6))
    assert (window.end_of(tag("a")), window.end_of(tag("b"))) == (6, 6)


def test_of_many_bridges_the_latest_are_known(window: Window) -> None:
    for number in range(20):
        window.bridge(Position(f"e{number}", 5))
    assert window.end_of(tag("e2")) is None
    assert window.end_of(tag("e3")) == 5


def test_it_is_filled_with_what_the_log_had_before(window: Window) -> None:
    add(window, "x")
    assert window.fill(5, emit("x"), (), 10)
    assert not window.fill(3, emit("x"), (), 10)  # 4 comes first
    assert window.fill(4, None, (), 10)  # a filter has dropped it
    assert window.fill(3, Mark("m", True, ""), (), 10)
    assert (numbers(window, "x"), window.begin, window.hole) == ([6, 5], 2, 3)
    assert not window.fill(2, emit("x"), (), 10_000)  # no room
    assert window.begin == 2


def test_a_hole_is_known(window: Window) -> None:
    window.append(6, Mark("m", False, ""), (), 10)
    assert window.hole == 0
    window.append(7, Mark("m", True, ""), (), 10)
    assert window.hole == 7
