"""A short round of `make chaos`: always the same faults, between two nodes and a Redis that lose nothing."""

from pathlib import Path

from tests.chaos.faults import Target
from tests.chaos.redises import Standalone
from tests.chaos.round import Round, plan
from tests.chaos.truth import Truth


def test_two_nodes_whose_redis_and_whose_clients_fail_lose_nothing(tmp_path: Path) -> None:
    # A node and the Redis are killed; of the proxies one ends within messages, one is late, one is deaf.
    played = Round("nodes", 2471, 3.0, tmp_path)
    assert played.run() == [], "\n".join(played.schedule)
    assert played.outcomes["confirmed"] > 0
    assert {"b: SIGKILL", "Redis: SIGKILL"} <= {line[10:].partition(",")[0] for line in played.schedule}


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
