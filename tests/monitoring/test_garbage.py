import gc

import pytest

from filtered_websocket.monitoring.garbage import MIDDLE, YOUNG, collect_less


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
