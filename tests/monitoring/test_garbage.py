import gc

import pytest

from filtered_websocket.monitoring.garbage import MIDDLE, YOUNG, collect_less, set_aside, take_back


@pytest.fixture(autouse=True)
def thresholds():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(
    ("before", "then"),
    [
        ((700, 10, 10), (YOUNG, MIDDLE, 10)),
        ((2000, 1, 0), (YOUNG, 1, 0)),
        ((YOUNG + 1, 10, 10), (YOUNG + 1, 10, 10)),
        ((0, 10, 10), (0, 10, 10)),
    ],
)
def test_the_collector_looks_less_often_unless_it_is_off_or_does_so_already(before, then):
    gc.set_threshold(*before)
    collect_less()
    assert gc.get_threshold() == then


def test_what_is_set_aside_is_looked_at_no_more_until_it_is_taken_back():
    kept = [[] for _ in range(1000)]
    set_aside()
    try:
        assert gc.get_freeze_count() > 1000
        assert not any(each is kept for each in gc.get_objects())
    finally:
        take_back()
    assert gc.get_freeze_count() == 0
    assert any(each is kept for each in gc.get_objects())


def test_a_collector_that_is_off_sets_nothing_aside():
    gc.disable()
    try:
        set_aside()
        assert gc.get_freeze_count() == 0
    finally:
        gc.enable()
