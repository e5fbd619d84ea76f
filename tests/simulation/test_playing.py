"""Schedules by their seeds, and those that have once found something."""

import os
from pathlib import Path

import pytest

from tests.simulation.playing import STORAGES, play
from tests.simulation.schedule import made, read

SEEDS = int(os.environ.get("SEEDS", "2"))
WRITTEN = sorted(Path(__file__).with_name("schedules").glob("*.txt"))


@pytest.mark.parametrize("storage", STORAGES)
def test_whatever_happens_all_is_as_promised(storage):
    for seed in range(1, 1 + SEEDS):
        outcome = play(made(storage, seed, 300))
        assert not outcome.faults, f"make simulate SEED={seed}: {outcome.faults}"
        assert outcome.steps == 300


@pytest.mark.parametrize("storage", STORAGES)
def test_a_seed_has_one_course(storage):
    schedule = made(storage, 11, 200)
    first, second = play(schedule), play(schedule)
    assert first == second
    assert len(first.trace) > 50


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_what_was_found_once_is_not_found_again(path):
    assert not play(read(path.read_text())).faults
