"""Rules of `restore`, and against a model: what a client has got and what is replayed to it is what it was to get."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filtered_websocket.filters.socketio.recovery import offsets
from filtered_websocket.filters.socketio.recovery.items import Change, Disconnect, Emit, Mark
from filtered_websocket.filters.socketio.recovery.record import Record
from filtered_websocket.filters.socketio.recovery.restore import Limits, Missed, Refusal, check, place_of, walk
from filtered_websocket.filters.socketio.recovery.window import Window
from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects.base import PUBLICATION_COST
from tests.filters.socketio.recovery.test_window import add, clock, window

__all__ = ["clock", "window"]

LIMITS = Limits(1000, 1_000_000, 100)


@pytest.fixture
def record() -> Record:
    made = Record("s", "a", 5)
    made.enter("all", 5)
    return made


def at(place: int, epoch: str = "a") -> str:
    return offsets.encode(Position(epoch, place))


def missed(record: Record, place: int, window: Window, limits: Limits = LIMITS) -> Any:
    result = walk(record, place, window, limits)
    return result.reason if isinstance(result, Refusal) else len(result.events)


def test_one_that_got_no_event_goes_on_from_where_its_session_began(record: Record, window: Window) -> None:
    assert place_of(record, None, window) == 5


def test_an_offset_of_the_present_epoch_is_a_place(record: Record, window: Window) -> None:
    add(window, "all")
    add(window, "all")
    record.seen = record.at = 7
    assert place_of(record, at(6), window) == 6
    assert place_of(record, at(7), window) == 7
    assert place_of(record, at(99), window) == 99  # this node may lag


def test_an_offset_of_an_earlier_session_is_where_this_one_began(record: Record, window: Window) -> None:
    assert place_of(record, at(3), window) == 5
    assert place_of(record, at(50, "elsewhere"), window) == 5


@pytest.mark.parametrize("offset", ["", "?", "abc", "[object Object]", "x" * 1000])
def test_what_is_no_offset_is_refused(offset: str, record: Record, window: Window) -> None:
    assert place_of(record, offset, window) == Refusal("no offset")


def test_one_that_was_idle_goes_on_from_where_it_was_known_to_be_complete(record: Record, window: Window) -> None:
    record.at, record.seen = 400, 6
    assert place_of(record, at(6), window) == 400
    assert place_of(record, at(5), window) == 5
    record.seen = 0
    assert place_of(record, None, window) == 400


def test_a_bridged_offset_counts_up_to_the_bridge(record: Record, window: Window) -> None:
    for _ in range(4):
        add(window, "all")
    window.bridge(Position("b", 7))
    record.seen = 99
    record.bridge("b", 7)
    assert place_of(record, at(6), window) == 6
    assert place_of(record, at(9), window) == 7
    assert place_of(record, at(9, "b"), window) == 9


def test_what_is_not_here_any_more_or_not_yet_is_refused(record: Record, window: Window) -> None:
    assert check(record, 5, window) is None
    assert check(record, 4, window) == Refusal("trimmed")
    assert check(record, 6, window) == Refusal("behind")
    window.append(6, Mark("m", True, ""), (), 10)
    assert check(record, 5, window) == Refusal("hole")
    assert check(record, 6, window) == Refusal("hole")  # orders between may be missing
    record.at = 6
    assert check(record, 6, window) is None
    record.floor = 7
    assert check(record, 6, window) == Refusal("rooms")
    record.at = 8
    record.floor = 0
    assert check(record, 6, window) == Refusal("behind")


def test_orders_change_its_rooms_as_they_would_have_live(record: Record, window: Window) -> None:
    add(window, "x")
    window.append(7, Change(("all",), (), "", ("x",), ()), (), 10)
    add(window, "x", "all")
    window.append(9, Change(("x",), (), "s", (), ("x",)), (), 10)
    add(window, "x")
    window.append(11, Change(("all",), (), "other", ("x",), ()), (), 10)
    assert missed(record, 5, window) == 1
    assert record.rooms == {"all": 5}
    assert (record.at, record.seen) == (11, 8)


def test_no_order_takes_it_out_of_its_own_rooms(window: Window) -> None:
    record = Record("s", "a", 5, own=("all",))
    record.enter("all", 5)
    window.append(6, Change(("all",), (), "", (), ("all",)), (), 10)
    add(window, "all")
    assert missed(record, 5, window) == 1
    assert record.rooms == {"all": 5}


def test_orders_that_the_record_knows_are_not_done_twice(record: Record, window: Window) -> None:
    window.append(6, Change(("all",), (), "", ("x",), ()), (), 10)
    record.enter("x", 6)
    record.leave("x", 6)
    record.at = 6
    assert missed(record, 5, window) == 0
    assert "x" not in record.rooms


def test_one_that_was_put_out_does_not_go_on(record: Record, window: Window) -> None:
    window.append(6, Disconnect(("all",), (), "other", False), (), 10)
    assert missed(record.copy(), 5, window) == 0
    window.append(7, Disconnect(("all",), (), "s", False), (), 10)
    assert missed(record, 5, window) == "disconnected"


def test_too_many_events_or_bytes_are_refused(record: Record, window: Window) -> None:
    for _ in range(4):
        add(window, "all")
    size = len(b'42["e","o"]')
    assert missed(record.copy(), 5, window, Limits(4, 4 * size, 10)) == 4
    assert missed(record.copy(), 5, window, Limits(3, 4 * size, 10)) == "too many"
    assert missed(record.copy(), 5, window, Limits(4, 4 * size - 1, 10)) == "too many"


def test_it_enters_no_more_rooms_than_it_may(record: Record, window: Window) -> None:
    window.append(6, Change(("all",), (), "", ("x", "y"), ()), (), 10)
    assert missed(record, 5, window, Limits(9, 9999, 2)) == 0
    assert record.rooms == {"all": 5, "x": 6}


# The model.

ROOMS = ("all", "s", "x", "y")
STEPS = st.lists(
    st.tuples(st.just("emit"), st.sampled_from(ROOMS), st.sampled_from(("", "", "x", "s")))
    | st.tuples(st.sampled_from(("order in", "order out", "join", "leave")), st.sampled_from(("x", "y")), st.just(""))
    | st.tuples(st.just("look"), st.just(""), st.just(""))
    | st.tuples(st.just("deaf"), st.just(""), st.just("")),
    max_size=40,
)


@settings(max_examples=400, deadline=None)
@given(STEPS, STEPS, st.integers(2, 60), st.booleans())
def test_one_that_goes_on_has_got_each_event_once(here: Any, away: Any, room_for: int, is_clean: bool) -> None:
    """`here`: while the server has the client, which may not hear it any more (deaf); `away`: afterwards."""
    window = Window(1e9, room_for * (PUBLICATION_COST + 10), lambda: 0.0)
    window.restart(Position("a", 0))
    client = Record("s", "a", 0)
    for room in ("all", "s"):
        client.enter(room, 0)
    rooms, wanted, got = {"all", "s"}, list[int](), list[int]()
    is_deaf, stored, offset = False, client.encode(), None
    for connected, steps in ((True, here), (False, away)):
        for what, room, but in steps:
            if what == "emit":
                number = window.top + 1
                item = Emit((room,), (but,) if but else (), ())
                window.append(number, item, ((b'42["%d"]' % number, False),), 10)
                if room in rooms and but not in rooms:
                    wanted.append(number)
                    if connected and not is_deaf:
                        got.append(number)
                        offset = at(number)
            elif what.startswith("order"):
                window.append(
                    window.top + 1,
                    Change(("s",), (), "s", *(((room,), ())[:: 1 if what == "order in" else -1])),
                    (),
                    10,
                )
                if what == "order in":
                    rooms.add(room)
                    if connected:
                        client.enter(room, window.top)
                else:
                    rooms.discard(room)
                    if connected:
                        client.leave(room, window.top)
            elif connected and what == "join":
                rooms.add(room)
                client.enter(room, window.top)
                client.look(window)
                stored = client.encode()
            elif connected and what == "leave":
                rooms.discard(room)
                client.leave(room, window.top)
                client.look(window)
                stored = client.encode()
            elif connected and what == "look":
                client.look(window)
                stored = client.encode()
                window.account(client.at)
            elif what == "deaf":
                is_deaf = True
        if connected and is_clean:
            client.look(window)
            stored = client.encode()
    record = Record.decode(stored)
    place = place_of(record, offset, window)
    assert isinstance(place, int)
    if check(record, place, window) is not None:
        return
    result = walk(record, place, window, LIMITS)
    assert isinstance(result, Missed)
    replayed = [int(messages[0][0][4:-2]) for messages in result.events]
    assert got + replayed == wanted
    assert set(record.rooms) == rooms
    assert record.seen >= max(wanted, default=0)


def test_an_idle_client_goes_on_however_much_passed_by(record: Record, window: Window) -> None:
    add(window, "all")
    for _ in range(3):
        for _ in range(8):
            add(window, "z")
        record.look(window)
        window.account(record.at)
    place = place_of(record, at(6), window)
    assert isinstance(place, int)
    assert check(record, place, window) is None
    assert missed(record, place, window) == 0
