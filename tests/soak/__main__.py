"""`make soak`: see docs/endurance.md, which it writes. Ends with 1 if there is a fault."""

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.soak.page import PAGE, about, markdown
from tests.soak.served import STORAGES
from tests.soak.soak import Result, soak

RESULTS = PAGE.parents[1] / "build" / "soak"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description="every pack under a mixed load, and what is left")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="of the visits; 0: another each time")
    parser.add_argument("--write", type=Path, metavar="FILE", help="load nothing: the page of this result")
    given = parser.parse_args()
    if given.write:
        whole = json.loads(given.write.read_text())
        results, told = [Result(**each) for each in whole["results"]], whole["about"]
    else:
        seed = given.seed or int(time.time())
        print(f"soak: seed {seed}, {given.minutes:g} minutes", flush=True)
        told = about(f"make soak MINUTES={given.minutes:g} SEED={seed}")
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as side_by_side:
            jobs = [
                side_by_side.submit(soak, storage, Path(folder) / storage, given.minutes * 60, seed)
                for storage in STORAGES
            ]
            results = [job.result() for job in jobs]
        RESULTS.mkdir(parents=True, exist_ok=True)
        kept = RESULTS / time.strftime("%Y%m%d-%H%M%S.json")
        kept.write_text(json.dumps({"about": told, "results": [each._asdict() for each in results]}, indent=1))
        print(f"soak: the result is in {kept}")
    PAGE.write_text(markdown(results, told))
    faults = [f"soak: {each.storage}: {fault}" for each in results for fault in each.faults]
    print("\n".join(faults) or "soak: nothing is left, and nothing is unexplained")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
