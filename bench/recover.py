"""`make bench-recovery`: clients that are cut off and come back, to each server in turn; docs/benchmarks-recovery.md.

jitter     N clients, each reset by TCP every 15 s or so and away for 2 s; two messages a second for a minute
avalanche  N clients, the server killed with SIGKILL and started at once
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import machine
import places
from measure import Failed, cores, pinned, raise_descriptors
from recovery import report
from recovery.rows import ROWS, Row
from recovery.served import Served

TESTS = ("jitter", "avalanche")
FAULTS = ("redis", "workers")
PER_SECOND = 2.0
BEFORE_KILL, REDIS_AWAY = 3.0, 5.0
"""Seconds until an avalanche's server is killed, and seconds that a Redis that is killed is away."""


def main() -> None:
    options = _options()
    if options.write:
        report.report(_merged(options.write), write=True)
        return
    rows = [row for row in ROWS if not options.servers or row.name in options.servers]
    for row in [row for row in rows if not all(map(places.have, row.needs))]:
        print(f"bench: LEFT OUT {row.name}: it needs {' and '.join(row.needs)}")
        rows.remove(row)
    descriptors = raise_descriptors()
    python = {"peers"} if any("{peers_python}" in row.command for row in rows) else set()
    places.prepare(python.union(*(row.needs for row in rows)))
    results = places.BUILD / time.strftime("recovery-%Y%m%d-%H%M%S.jsonl")
    meta = machine.describe([row.name for row in rows], machine.command_line(), options.seconds, 1, descriptors)
    records: list[dict[str, Any]] = [{"meta": meta}]
    for test in TESTS:
        for row in rows if test in options.tests else ():
            others = machine.Others()
            try:
                figures = _run(test, row, options)
            except Failed as failure:
                figures = {"error": str(failure)}
            named = {"row": row.name, "test": test, "clients": _clients(test, options), "fault": options.fault}
            records.append(named | {"others": others.share()} | figures)
            print(report.line(records[-1]), flush=True)
            results.write_text("".join(json.dumps(record) + "\n" for record in records))
    complete = not (options.servers or options.fault) and options.tests == set(TESTS)
    report.report(records, write=complete)
    print(f"bench: results in {results.relative_to(places.ROOT)}{'' if complete else '; docs/ left as they are'}")


def _merged(paths: list[Path]) -> list[dict[str, Any]]:
    """The records of result files as those of one run; of a row that was measured twice the later counts."""
    records = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    order = [row.name for row in ROWS]
    found = {(each["test"], each["row"]): each for each in records if "row" in each and not each["fault"]}
    return [records[0], *(found[key] for key in sorted(found, key=lambda key: (key[0], order.index(key[1]))))]


def _clients(test: str, options: argparse.Namespace) -> int:
    return options.clients or {"jitter": 200, "avalanche": 5000}[test]


def _run(test: str, row: Row, options: argparse.Namespace) -> dict[str, Any]:
    with Served(row, test) as served:
        seconds = options.seconds if test == "jitter" else BEFORE_KILL + 20
        crowd = {"ports": served.ports, "protocol": row.protocol, "clients": _clients(test, options)}
        crowd |= {"post": {**row.post}, "per_second": PER_SECOND, "seconds": seconds}
        crowd |= {"resets": test == "jitter", "seed": options.seed}
        command = [*pinned(cores()[1]), sys.executable, "-m", "recovery.crowd", json.dumps(crowd)]
        running = subprocess.Popen(command, cwd=places.BENCH, stdout=subprocess.PIPE, text=True)
        assert running.stdout is not None
        try:
            if running.stdout.readline() != "ready\n":
                raise Failed("the crowd did not gather")
            listening = _meanwhile(test, served, options, time.monotonic())
            used = served.cpu() if test == "avalanche" else 0.0
            figures = json.loads(running.stdout.readline() or '{"error": "the crowd ended early"}')
            figures["cpu_s"] = round(served.cpu() - used, 2) if test == "avalanche" else None
        finally:
            running.kill()
            running.wait()
    if "back" in figures and test == "avalanche":
        figures["back_ms"] = [1000 * (at - listening) for at in figures.pop("back")]
    figures.pop("back", None)
    return figures


def _meanwhile(test: str, served: Served, options: argparse.Namespace, began: float) -> float:
    """What happens to the servers; when the last of them listened again."""
    if test == "avalanche":
        _wait_until(began + BEFORE_KILL)
        for node in range(len(served.ports)):
            served.kill(node)
        return max(served.start(node) for node in range(len(served.ports)))
    if options.fault:
        _wait_until(began + options.seconds / 2)
    if options.fault == "redis":
        served.kill_redis()
        _wait_until(time.monotonic() + REDIS_AWAY)
        served.start_redis()
    elif options.fault == "workers":
        served.replace_workers()
    return 0.0


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = [row.name for row in ROWS]
    parser.add_argument("--servers", type=_some_of(names), metavar="NAME,...", help=", ".join(names))
    parser.add_argument("--tests", type=_some_of(TESTS), default=set(TESTS), metavar="NAME,...", help=", ".join(TESTS))
    parser.add_argument("--clients", type=int, help="default: 200 for jitter, 5000 for avalanche")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long jitter lasts (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the resets and of the retries")
    parser.add_argument(
        "--fault",
        choices=FAULTS,
        help=f"in the middle of jitter: Redis is killed, and back after {REDIS_AWAY:g} s; the workers are replaced",
    )
    parser.add_argument("--write", nargs="+", type=Path, metavar="FILE", help="measure nothing: docs/ of these results")
    return parser.parse_args()


def _some_of(names: tuple[str, ...] | list[str]) -> Any:
    def read(text: str) -> set[str]:
        chosen = set(text.split(","))
        if unknown := chosen - set(names):
            raise argparse.ArgumentTypeError(f"no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
        return chosen

    return read


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
