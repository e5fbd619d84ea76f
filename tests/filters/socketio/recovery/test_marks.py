from filtered_websocket.filters.socketio.recovery.items import Origin
from filtered_websocket.filters.socketio.recovery.marks import Marks


def test_what_is_heard_is_counted_from_the_mark_on_each_stream() -> None:
    marks = Marks("n")
    assert marks.next("a") is None
    assert not marks.heard("m")
    assert [marks.next(stream) for stream in ("a", "b", "a")] == [
        Origin("m", "a", 1, "n"),
        Origin("m", "b", 1, "n"),
        Origin("m", "a", 2, "n"),
    ]
    assert marks.heard("m2")
    assert marks.next("a") == Origin("m2", "a", 1, "n")
    marks.deaf()
    assert marks.next("a") is None
    assert not marks.heard("m3")


def test_two_nodes_give_the_same_names() -> None:
    one, other = Marks("one"), Marks("other")
    for marks in (one, other):
        marks.heard("m")
    assert [one.next("a").key, one.next("a").key] == [other.next("a").key, other.next("a").key]  # type: ignore[union-attr]


def test_what_the_log_has_is_known() -> None:
    marks = Marks("n")
    first, second = Origin("m", "a", 1, "x"), Origin("m", "a", 2, "x")
    assert not marks.is_logged(first)
    marks.logged(second)
    assert marks.is_logged(first)
    assert marks.is_logged(second)
    assert not marks.is_logged(Origin("m", "a", 3, "x"))
    assert not marks.is_logged(Origin("m", "b", 1, "x"))


def test_of_many_marks_the_latest_are_known() -> None:
    marks = Marks("n")
    for number in range(101):
        marks.logged(Origin(f"m{number}", "a", 1, "x"))
    assert not marks.is_logged(Origin("m0", "a", 1, "x"))
    assert marks.is_logged(Origin("m1", "a", 1, "x"))
