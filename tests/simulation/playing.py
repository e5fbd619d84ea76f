"""A schedule is played: what its oracle found, and the shortest schedule that still finds it."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.simulation.clock import seeded
from tests.simulation.schedule import Schedule
from tests.simulation.shared_memory import SharedMemory
from tests.simulation.shared_redis import SharedRedis
from tests.simulation.shared_sqlite import SharedSqlite
from tests.simulation.steps import Steps

STORAGES: dict[str, Callable[[int], Callable[[Any], Any]]] = {
    "memory": lambda seed: lambda seconds: SharedMemory(seconds, seed),
    "redis": lambda seed: lambda seconds: SharedRedis(seconds, seed),
    "sqlite": lambda seed: lambda seconds: SharedSqlite(seconds, seed),
}


class Outcome(NamedTuple):
    """
    :ivar faults: none, where all is as promised
    :ivar steps: how many were taken
    :ivar trace: what each client was told, a line each
    """

    faults: list[str]
    steps: int
    trace: list[str]


def play(schedule: Schedule) -> Outcome:
    """Play until the first fault."""
    with seeded(schedule.seed), Steps(STORAGES[schedule.storage](schedule.seed)) as world:
        taken = 0
        for step in schedule.steps:
            taken += 1
            world.step(*step)
            if world.oracle.faults:
                break
        else:
            world.end()
        trace = [f"{client.name}: {line}" for client in world.clients for line in client.told]
        return Outcome(world.oracle.faults, taken, trace)
