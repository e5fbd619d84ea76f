from tests.simulation.schedule import made
from tests.simulation.shrinking import shrunk


def test_what_is_not_needed_is_left_out():
    schedule = made("memory", 1, 300)
    needed = {schedule.steps[17], schedule.steps[151], schedule.steps[299]}
    assert set(shrunk(schedule, lambda shorter: needed <= set(shorter.steps)).steps) == needed
    assert len(shrunk(schedule, lambda shorter: needed <= set(shorter.steps)).steps) == 3


def test_without_time_it_stays_as_it_is():
    schedule = made("memory", 1, 30)
    assert shrunk(schedule, lambda shorter: True, seconds=0) == schedule
