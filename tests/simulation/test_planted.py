"""What the simulator is for: each of these faults is found, within seconds."""

import pytest

from tests.simulation.planted import PLANTED
from tests.simulation.planted_more import MORE
from tests.simulation.playing import play
from tests.simulation.schedule import made

SEEDS = 12
"""Seeds that are tried: in which order sets of names are, no seed of ours decides here, as `make simulate` has it."""


@pytest.mark.parametrize("name", [*PLANTED, *MORE])
def test_a_planted_fault_is_found(name):
    plant, storage = MORE[name] if name in MORE else (PLANTED[name], "memory")
    with plant():
        assert any(play(made(storage, number, 300)).faults for number in range(1, 1 + SEEDS))
