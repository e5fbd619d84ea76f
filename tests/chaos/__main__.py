"""`make chaos`: rounds of each kind by a seed; ends with 1 at the first in which something was not as promised."""

import argparse
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

import pytest

from tests.chaos.round import KINDS, Round


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the first rounds; 0: another each time")
    parser.add_argument("--minutes", type=float, default=0.0, help="go on with the next seeds for so long; 0: one seed")
    parser.add_argument("--seconds", type=float, default=30.0, help="that faults go on for in one round (default 30)")
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"of {', '.join(KINDS)}")
    given = parser.parse_args()
    end = time.monotonic() + 60 * given.minutes
    for seed in count(given.seed or int(time.time())):
        for kind in given.kinds.split(","):
            if not _is_good(kind, seed, given.seconds):
                return 1
        if time.monotonic() > end:
            return 0
    return 0


def _is_good(kind: str, seed: int, seconds: float) -> bool:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            played = Round(kind, seed, seconds, Path(folder))
            faults = played.run()
        except pytest.skip.Exception as reason:
            print(f"chaos: LEFT OUT {kind}: {reason}", flush=True)
            return True
    taken = time.monotonic() - began
    print(
        f"chaos: {kind}, seed {seed}, {taken:.0f} s: {len(played.schedule)} events, {played.outcomes}: "
        f"{len(faults)} faults",
        flush=True,
    )
    if faults:
        logs = [f"{name}: {line}" for name, log in played.logs.items() for line in log.splitlines()]
        print("\n".join(["", *played.schedule, "", *logs, "", *faults[:50]]))
        print(f"\nchaos: again: make chaos KINDS={kind} SEED={seed}")
    return not faults


if __name__ == "__main__":
    sys.exit(main())
