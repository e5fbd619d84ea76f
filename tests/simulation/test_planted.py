"""What the simulator is for: each of these faults is found, within seconds."""

import pytest

from tests.simulation.planted import PLANTED
from tests.simulation.playing import play
from tests.simulation.schedule import made

MORE = 6
"""Seeds that are tried: in which order sets of names are, no seed of ours decides here, as `make simulate` has it."""


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name):
    plant, first = PLANTED[name]
    with plant():
        assert any(play(made("memory", first + number, 300)).faults for number in range(MORE))
