"""The shortest schedule that still fails: what can be left out is left out."""

from collections.abc import Callable
from time import monotonic

from tests.simulation.schedule import Schedule, Step


def shrunk(schedule: Schedule, fails: Callable[[Schedule], bool], seconds: float = 60.0) -> Schedule:
    """
    :param schedule: one that fails
    :param seconds: after which the shortest so far is taken
    """
    end = monotonic() + seconds
    steps = schedule.steps
    size = max(1, len(steps) // 2)
    while size:
        at, shorter = 0, False
        while at < len(steps) and monotonic() < end:
            without: tuple[Step, ...] = steps[:at] + steps[at + size :]
            if fails(schedule._replace(steps=without)):
                steps, shorter = without, True
            else:
                at += size
        if monotonic() >= end:
            break
        size = size if shorter and size == 1 else size // 2
    return schedule._replace(steps=steps)
