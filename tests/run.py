"""`make test`: all tests in two runs of pytest, and one line for both at the end, unless pytest itself was ended.

The first run has a process per core and two more, since many tests wait for programs. What may take long comes first,
so that no process is left alone with it in the end. The tests that measure time, marked `quiet`, are left for the
second run, which has one process and so the machine to itself, and is told which they are: to collect all once more
takes as long as several of them. Arguments go to pytest; TEST_PROCESSES says how many processes the first run has (0:
none of its own, as a debugger needs).
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

PROCESSES = os.environ.get("TEST_PROCESSES") or str(len(os.sched_getaffinity(0)) + 2)
SIDE_BY_SIDE = ("-n", PROCESSES, "--dist", "loadfile", "--no-loadscope-reorder")
STARTING_PROGRAMS = {"end_to_end", "commands"}
"""The folders of tests that start programs, which takes longer than all else."""
COUNTED = "TESTS_COUNTED"
"""The variable that names the file a run writes its counts to; not FWS_..., of which a server under test would warn."""
LEFT = "TESTS_LEFT"
"""The variable that names the file a run writes the tests to that it leaves for the second one."""
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
"""Set on some machines. Each process of pytest would write all asserts anew, which is half the time it takes to collect
the tests, and each of some hundred servers would compile the package, a quarter of its start."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: longest_first(item.path))


def longest_first(path: Path) -> tuple[bool, int, Path]:
    """What to order files of tests by. How long they take is known of none, and their size says enough."""
    return STARTING_PROGRAMS.isdisjoint(path.parts), -path.stat().st_size, path


def pytest_deselected(items: Iterable[pytest.Item]) -> None:
    # One of the processes is enough: each collects all tests.
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0":
        with open(os.environ[LEFT], "a") as file:
            file.writelines(f"{named(item)}\n" for item in items if item.get_closest_marker("quiet"))


def named(item: pytest.Item) -> str:
    """A test as pytest takes it for an argument in any folder."""
    return f"{item.path}::{item.nodeid.partition('::')[2]}"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Of each run (`-p tests.run`), also of one that was interrupted."""
    with open(os.environ[COUNTED], "w") as file:
        json.dump({outcome: len(reports) for outcome, reports in terminalreporter.stats.items()}, file)


def run(arguments: Sequence[str], left: str) -> tuple[int, dict[str, int]]:
    """One run of pytest: its exit code, and how many tests ended how."""
    with tempfile.NamedTemporaryFile() as counted:
        command = [sys.executable, "-m", "pytest", "-p", "tests.run", *arguments]
        kept = {name: value for name, value in os.environ.items() if name != NO_BYTECODE}
        status = subprocess.call(command, env={**kept, COUNTED: counted.name, LEFT: left})
        return status, json.loads(counted.read() or "{}")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-m", default="")
    given, others = parser.parse_known_args(arguments)
    also = f"({given.m}) and " if given.m else ""
    # Ctrl-C reaches pytest too, which ends by itself and says what it has done so far.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    codes: list[int] = []
    passed = failed = skipped = 0
    with tempfile.NamedTemporaryFile("r") as left:
        for selection in (("-m", f"{also}not quiet", *SIDE_BY_SIDE), ("-m", f"{also}quiet")):
            alone = left.read().splitlines()
            if codes and not alone:
                break
            status, counts = run([*selection, *others, *alone], left.name)
            codes.append(status)
            passed += counts.get("passed", 0) + counts.get("xfailed", 0)
            failed += counts.get("failed", 0) + counts.get("error", 0)
            skipped += counts.get("skipped", 0)
            if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
                return status
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    if set(codes) == {pytest.ExitCode.NO_TESTS_COLLECTED}:
        return pytest.ExitCode.NO_TESTS_COLLECTED
    return next((code for code in codes if code not in (0, pytest.ExitCode.NO_TESTS_COLLECTED)), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
