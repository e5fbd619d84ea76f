"""`make bench`: measures every server in every workload, interleaved, and writes docs/benchmarks.md and .svg.

Results go to build/bench/<date>.jsonl as they arrive. Only a complete run (three rounds or more, without --servers,
--rows and --beside) touches docs/; any other prints its tables.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import machine
import places
import report
from measure import Failed, cores, measure, raise_descriptors
from rows import BESIDE, ROWS, Row
from workloads import GROUPS, WORKLOADS, Workload


def main() -> None:
    options = _options()
    workloads = [w for w in WORKLOADS if not options.rows or options.rows & {w.name, w.group}]
    rows = [row for row in ROWS if not options.servers or row.name in options.servers]
    if options.beside:
        rows.append(BESIDE._replace(env=(("PYTHONPATH", str(options.beside.resolve())),)))
    rows = [row for row in rows if any(workload.measures(row) for workload in workloads)]
    descriptors = raise_descriptors()
    rows, workloads = _possible(rows, workloads, descriptors)
    python = {"peers"} if any("{peers_python}" in row.command for row in rows) else set()
    places.prepare(python.union(*(row.needs for row in rows)))
    began = time.monotonic()
    results = places.BUILD / time.strftime("%Y%m%d-%H%M%S.jsonl")
    with results.open("w") as file:
        meta = machine.describe(
            [row.name for row in rows], machine.command_line(), options.tmax, options.rounds, descriptors
        )
        _write(file, {"meta": meta})
        for round_ in range(options.rounds):
            _round(file, round_, rows, workloads, options.tmax)
    complete = not (options.servers or options.rows or options.beside) and options.rounds >= 3
    report.report([results], write=complete)
    took = f"{(time.monotonic() - began) / 60:.0f} minutes"
    print(
        f"bench: {took}, results in {results.relative_to(places.ROOT)}{'' if complete else '; docs/ left as they are'}"
    )


def _round(file: TextIO, round_: int, rows: list[Row], workloads: list[Workload], tmax: float) -> None:
    """The rows of one workload run one after another, so what is compared is minutes apart at most; each round begins
    with another row, so no server always follows the same one."""
    turn = round_ % len(rows)
    for workload in workloads:
        for row in rows[turn:] + rows[:turn]:
            if not workload.measures(row):
                continue
            others = machine.Others()
            try:
                result = measure(row, workload, tmax)
            except Failed as failure:
                result = {"error": str(failure)}
            _write(
                file,
                {"row": row.name, "workload": workload.name, "round": round_ + 1, "others": others.share()} | result,
            )
            print(f"{round_ + 1} {workload.name:11} {row.name:26} {_line(result)}", flush=True)


def _line(result: dict) -> str:
    if "error" in result:
        return f"FAILED: {result['error']}"
    if result["mode"] == "idle":
        return f"{result['kb_per_conn']:6.2f} KB/connection {result['hs_cpu_us']:7.1f} us/handshake"
    return (
        f"{result['cpu_us']:7.3f} us {result['rate']:10,.0f}/s  p99 {result['p99_us'] / 1000:8.2f} ms"
        f"  generator {result['gen_util']:4.0%}"
    )


def _possible(rows: list[Row], workloads: list[Workload], descriptors: int) -> tuple[list[Row], list[Workload]]:
    """Leaves out, and says so, what this machine cannot run."""
    if not rows or not workloads:
        sys.exit("bench: nothing to measure: --servers and --rows name none")
    for workload in [workload for workload in workloads if workload.descriptors > descriptors]:
        print(
            f"bench: LEFT OUT {workload.name}: it needs {workload.descriptors} open files a process, this machine "
            f"allows {descriptors} (raise the hard limit: ulimit -Hn)"
        )
        workloads.remove(workload)
    for row in rows.copy():
        missing = [need for need in row.needs if not places.have(need)]
        if missing:
            print(f"bench: LEFT OUT {row.name}: no {' and '.join(missing)} on this machine")
            rows.remove(row)
    if len(set(cores())) == 1:
        print("bench: ONE CORE ONLY: server and generator share it, rates and latencies mean little")
    return rows, workloads


def _write(file: TextIO, record: dict) -> None:
    file.write(json.dumps(record) + "\n")
    file.flush()
    os.fsync(file.fileno())


def _some_of(names: list[str]) -> Callable[[str], set[str]]:
    def read(text: str) -> set[str]:
        chosen = set(text.split(","))
        if unknown := chosen - set(names):
            raise argparse.ArgumentTypeError(f"no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
        return chosen

    return read


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    servers = [row.name for row in ROWS]
    workloads = [*GROUPS, *(workload.name for workload in WORKLOADS)]
    parser.add_argument("--servers", type=_some_of(servers), metavar="NAME,...", help=", ".join(servers))
    parser.add_argument(
        "--rows",
        type=_some_of(workloads),
        metavar="NAME,...",
        help=f"groups or single workloads: {', '.join(workloads)}",
    )
    parser.add_argument("--beside", type=Path, metavar="DIR", help="another checkout's package too, as the row beside")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--tmax", type=float, default=0.6, help="seconds each measurement lasts (default 0.6)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()
