"""`make simulate`: plays schedules by their seeds; prints each that fails, with the shortest that still does."""

import argparse
import re
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from tests.simulation.playing import STORAGES, play
from tests.simulation.schedule import Schedule, made, read
from tests.simulation.shrinking import shrunk

STEPS = 300
RUNS = {"memory": 40, "redis": 10, "sqlite": 10}
"""How many of each storage are played from a seed on."""
FAILED = Path("build/simulation")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="play a few schedules of each storage, from this seed on")
    parser.add_argument("--hours", type=float, help="play new ones for so long instead")
    parser.add_argument("--storage", choices=list(STORAGES), action="append", help="only on this; may be repeated")
    parser.add_argument("--play", type=Path, help="play a schedule that was written")
    given = parser.parse_args(arguments)
    if given.play is not None:
        try:
            schedules = iter([read(given.play.read_text())])
        except (OSError, ValueError) as error:
            print(f"{given.play}: {error}", file=sys.stderr)
            return 2
    elif given.hours is not None:
        schedules = _new(given.storage or list(STORAGES), given.hours)
    else:
        schedules = _from(given.storage or list(STORAGES), given.seed)
    return _play_all(schedules)


def _from(storages: list[str], seed: int) -> Iterator[Schedule]:
    for storage in storages:
        for number in range(seed, seed + RUNS[storage]):
            yield made(storage, number, STEPS)


def _new(storages: list[str], hours: float) -> Iterator[Schedule]:
    begin = time.time()
    for number in count(int(begin)):
        for storage in storages:
            if time.time() > begin + hours * 3600:
                return
            yield made(storage, number, STEPS)


def _play_all(schedules: Iterator[Schedule]) -> int:
    known: set[str] = set()
    steps: dict[str, int] = dict.fromkeys(STORAGES, 0)
    seconds: dict[str, float] = dict.fromkeys(STORAGES, 0.0)
    for schedule in schedules:
        begin = time.process_time()
        outcome = play(schedule)
        steps[schedule.storage] += outcome.steps
        seconds[schedule.storage] += time.process_time() - begin
        kind = _kind(outcome.faults)
        if kind and kind not in known:
            known.add(kind)
            _tell(schedule._replace(steps=schedule.steps[: outcome.steps]), outcome.faults, kind)
    for storage, taken in steps.items():
        if taken:
            print(f"{storage}: {taken} steps, {taken / seconds[storage]:.0f} in a second of this process's time")
    print(f"{len(known)} kinds of faults" if known else "nothing found")
    return 1 if known else 0


def _tell(schedule: Schedule, faults: list[str], kind: str) -> None:
    print(f"seed {schedule.seed} on {schedule.storage}:", *faults[:5], sep="\n  ", flush=True)
    shortest = shrunk(schedule, lambda shorter: _kind(play(shorter).faults) == kind)
    FAILED.mkdir(parents=True, exist_ok=True)
    file = FAILED / f"{schedule.storage}-{schedule.seed}.txt"
    file.write_text(str(shortest))
    print(f"shrunk to {len(shortest.steps)} steps, in {file}:\n{shortest}", flush=True)


def _kind(faults: list[str]) -> str:
    """A fault without what differs from run to run: names and numbers."""
    return re.sub(r"[0-9a-f]{8}-[-0-9a-f]+|[0-9a-f]{12}|0x[0-9a-f]+|[0-9]+", "_", faults[0])[:100] if faults else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
