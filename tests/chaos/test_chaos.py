"""A short round of `make chaos`, before anything fails; and what is planned by a seed."""

from pathlib import Path

from tests.chaos.faults import Target
from tests.chaos.redises import Standalone
from tests.chaos.round import Round, plan
from tests.chaos.truth import Truth


def test_a_round_without_faults_finds_none(tmp_path: Path) -> None:
    # It ends before the first: what fails at a moment that no seed fixes is for `make chaos`.
    played = Round("nodes", 2471, 0.5, tmp_path)
    assert played.run() == [], "\n".join(played.schedule)
    assert played.outcomes["confirmed"] > 0
    assert [line.split()[-1] for line in played.schedule] == ["peace"]


def test_a_seed_gives_each_target_the_same_faults(tmp_path: Path) -> None:
    redis = Standalone(tmp_path, Truth())
    try:
        redis.options("a")
        for target in redis.targets():
            planned = [_without_what_it_does(target, seed) for seed in ("1", "1", "2")]
            assert planned[0] == planned[1] != planned[2]
    finally:
        redis.close()


def _without_what_it_does(target: Target, seed: str) -> list[tuple[float, str, float]]:
    return [(each.pause, each.fault.name, each.hold) for each in plan(target, seed, 60.0)]
