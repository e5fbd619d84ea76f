import pytest

from filtered_websocket.filters.socketio.recovery.items import Disconnect, Emit
from filtered_websocket.filters.socketio.recovery.record import MAX_PAST, Record, proof
from filtered_websocket.filters.socketio.recovery.window import Window
from filtered_websocket.messages.publication import Position
from tests.filters.socketio.recovery.test_window import add, clock, emit, window

__all__ = ["clock", "window"]


@pytest.fixture
def record() -> Record:
    made = Record("s", "a", 5)
    made.enter("all", 5)
    return made


def test_it_gets_what_came_behind_its_joining(record: Record) -> None:
    record.enter("x", 7)
    assert not record.gets(emit("x"), 7)
    assert record.gets(emit("y", "x"), 8)
    record.enter("x", 9)
    assert record.gets(emit("x"), 8)
    assert not record.gets(emit("y"), 8)


def test_it_gets_what_came_before_it_left(record: Record) -> None:
    record.enter("x", 7)
    record.leave("x", 9)
    assert record.gets(emit("x"), 9)
    assert not record.gets(emit("x"), 10)
    record.enter("x", 12)
    assert [record.gets(emit("x"), place) for place in (7, 8, 10, 12, 13)] == [False, True, False, False, True]


def test_those_that_are_left_out_get_nothing(record: Record) -> None:
    record.enter("x", 7)
    assert not record.gets(Emit(("all",), ("x",), ()), 8)
    assert record.gets(Emit(("all",), ("x",), ()), 7)
    assert record.gets(Disconnect(("all",), (), "s", False), 8)
    assert not record.gets(Disconnect(("all",), (), "t", False), 8)


def test_it_knows_the_newest_event_that_it_got(record: Record, window: Window) -> None:
    record.enter("x", 5)
    add(window, "x")
    add(window, "y")
    window.append(8, Emit(("all",), ("x",), ()), (), 10)
    record.look(window)
    assert (record.at, record.seen) == (8, 6)
    record.enter("y", 8)
    record.look(window)
    assert record.seen == 6
    add(window, "all")
    record.leave("x", 9)
    record.look(window)
    assert (record.at, record.seen) == (9, 9)


def test_what_left_the_window_unseen_counts_as_its(record: Record, window: Window) -> None:
    record.enter("x", 5)
    for _ in range(15):
        add(window, "x")
    for _ in range(15):
        add(window, "y")
    assert list(window.of_room("x", 0)) == []
    record.look(window)
    assert (record.at, record.seen) == (35, 20)
    for _ in range(15):
        add(window, "y")
    record.look(window)
    assert record.seen == 20


def test_too_many_rooms_that_it_has_left_are_one_floor(record: Record) -> None:
    for number in range(MAX_PAST + 3):
        record.enter("x", 10 * number)
        record.leave("x", 10 * number + 5)
    assert len(record.past) == MAX_PAST
    assert record.floor == record.seen == 25


def test_a_bridge_clamps_its_places(record: Record) -> None:
    record.enter("x", 9)
    record.at = record.seen = 12
    record.bridge("b", 7)
    assert (record.epoch, record.born, record.at, record.seen, record.rooms) == ("b", 5, 7, 7, {"all": 5, "x": 7})


def test_its_copy_says_the_same(record: Record, window: Window) -> None:
    record.enter("x", 6)
    record.enter("y", 6)
    record.leave("y", 8)
    record.proofs["s"], record.values = "p", {"data": {"a": [1]}}
    copy = Record.decode(record.encode())
    for name in Record.__slots__:
        assert getattr(copy, name) == getattr(record, name), name
    copy = record.copy()
    copy.enter("z", 9)
    copy.leave("x", 10)
    assert "z" not in record.rooms
    assert len(record.past) == 1


@pytest.mark.parametrize("data", ["", "[]", "{}", "null", '{"sid":"s"}'])
def test_what_is_no_record_is_refused(data: str) -> None:
    with pytest.raises(ValueError):
        Record.decode(data)


def test_a_proof_tells_whether_a_secret_is_the_same() -> None:
    assert proof("pid", "secret") == proof("pid", b"secret") != proof("pid", "other")
    assert proof("pid", "secret") != proof("other", "secret")
    assert "secret" not in proof("pid", "secret\ud800")


def test_positions_are_of_its_epoch(window: Window) -> None:
    assert window.position == Position("a", 5)
