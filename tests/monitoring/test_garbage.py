import gc

import pytest

from filtered_websocket.monitoring.garbage import YOUNG, collect_less


@pytest.fixture(autouse=True)
def thresholds():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(("young", "then"), [(700, YOUNG), (YOUNG + 1, YOUNG + 1), (0, 0)])
def test_the_collector_looks_less_often_unless_it_is_off_or_does_so_already(young, then):
    gc.set_threshold(young, 5, 7)
    collect_less()
    assert gc.get_threshold() == (then, 5, 7)
