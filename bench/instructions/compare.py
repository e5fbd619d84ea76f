"""Counts the instructions of the hot paths, of a named commit's package and of this one, and fails above 3 %.

    make instructions [BASE=COMMIT]

Both are run by the same interpreter with the same libraries, in one run. What is counted are the instructions that the
process itself runs, not the kernel's: the same each time to about a third of a percent, however busy the machine is.
The named commit stands in the file BASE; it moves when a growth has been accepted, with the reason in the commit.
"""

import argparse
import io
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import places  # noqa: E402

ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "instructions"
LIMIT = 0.03
LOOSE = {"the same in two reads": 0.1}
"""A limit of its own for what follows from the layout of memory in any of them: whether a payload that grows is moved.
The same code differed by 6 %."""
LAYOUTS = (977, 4099)
"""Where a path has grown by too much, two other layouts of memory are tried, and the median counts. In a few layouts a
path costs up to a twentieth more: CPython finds methods in a cache whose places follow from addresses."""
SECONDS = 300
"""For one run: each takes about 15 s."""

Bytecodes = dict[str, int]


class Counts(NamedTuple):
    """What one package costs, path by path."""

    instructions: dict[str, int]
    bytecodes: dict[str, Bytecodes]


def median(counts: Sequence[Counts]) -> Counts:
    """What one package costs in most layouts."""
    paths = {
        path: statistics.median_low([each.instructions[path] for each in counts]) for path in counts[0].instructions
    }
    return Counts(paths, counts[0].bytecodes)


def grown(base: Bytecodes, now: Bytecodes, most: int = 8) -> list[tuple[str, int]]:
    """The functions that run more bytecodes than before, the largest growth first."""
    growth = {name: count - base.get(name, 0) for name, count in now.items()}
    return sorted(((name, more) for name, more in growth.items() if more > 0), key=lambda each: -each[1])[:most]


def report(base: Counts, now: Counts, limit: float = LIMIT) -> tuple[list[str], bool]:
    """
    :returns: lines for people, and whether every path is within the limit
    """
    lines, good = [f"{'':24}{'before':>14}{'now':>14}"], True
    for path, before in base.instructions.items():
        after = now.instructions[path]
        growth = after / before - 1
        too_much = growth > LOOSE.get(path, limit)
        lines.append(f"{path:24}{before:14,}{after:14,}  {growth:+.2%}{'  too much' if too_much else ''}")
        if too_much:
            good = False
            functions = grown(base.bytecodes[path], now.bytecodes[path])
            total = sum(base.bytecodes[path].values())
            lines += [f"    {name}: {more / total:+.2%} of the path's bytecodes" for name, more in functions]
            if not functions:
                lines.append("    no Python function runs more bytecodes: what it calls costs more")
    return lines, good


def count(package: Path, name: str, layout: int = 0) -> Counts:
    """
    :param package: the folder in which filtered_websocket lies
    :param layout: of the process' memory
    """
    folder = BUILD / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(package),
        "LAYOUT": str(layout),
    }
    drive = [sys.executable, str(HERE / "drive.py")]
    counts = Counts({}, {})
    for kind, certificate in (("plain", []), ("tls", [str(places.CERTIFICATE), str(places.KEY)])):
        out = f"{folder}/{kind}"
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--collect-atstart=no"]
        for command in (
            [*drive, "bytecodes", f"{folder}/bytecodes", *certificate],
            [*valgrind, *drive, "callgrind", _library(), *certificate],
        ):
            ran = subprocess.run(
                command, cwd=HERE.parent, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
            )
            if ran.returncode:
                sys.exit(f"instructions: {' '.join(command)} failed:\n{ran.stdout}{ran.stderr}")
        counts.bytecodes.update(json.loads((folder / "bytecodes").read_text()))
        for file in sorted(folder.glob(f"{kind}.*"), key=lambda each: int(each.suffix[1:])):
            text = file.read_text()
            path = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
            total = re.search(r"^totals: (\d+)$", text, re.MULTILINE)
            assert path is not None
            assert total is not None
            counts.instructions[path[1]] = int(total[1])
    return counts


def _library() -> str:
    return str(BUILD / "callgrind.so")


def _prepare() -> None:
    for program, package in (("valgrind", "valgrind"), ("gcc", "gcc libc6-dev")):
        if shutil.which(program) is None:
            sys.exit(f"instructions: no {program}; on Debian: apt-get install {package}")
    BUILD.mkdir(parents=True, exist_ok=True)
    places.make_certificate()
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", _library(), str(HERE / "callgrind.c")], check=True)


def _package_of(commit: str) -> Path:
    """The package as it was in that commit."""
    command = ["git", "-C", str(ROOT), "archive", commit, "filtered_websocket"]
    archive = subprocess.run(command, capture_output=True, check=False)
    if archive.returncode:
        sys.exit(f"instructions: no package of {commit}: {archive.stderr.decode().strip()}")
    folder = BUILD / "base"
    shutil.rmtree(folder, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def _measured(packages: tuple[Path, Path], layout: int) -> tuple[Counts, Counts]:
    with ThreadPoolExecutor(2) as pool:
        before, now = pool.map(count, packages, ("before", "now"), (layout, layout))
    return before, now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("base", nargs="?", default=(HERE / "BASE").read_text().strip(), help="the commit compared with")
    base = parser.parse_args().base
    _prepare()
    packages = _package_of(base), ROOT
    layouts = [_measured(packages, 0)]
    lines, good = report(layouts[0][0], layouts[0][1])
    if not good:
        layouts += [_measured(packages, layout) for layout in LAYOUTS]
        before, now = zip(*layouts, strict=True)
        lines, good = report(median(before), median(now))
    print(f"instructions of {base[:12]} and of this checkout, {sys.version.split()[0]}")
    print("\n".join(lines))
    if not good:
        sys.exit(f"instructions: a hot path has grown by more than {LIMIT:.0%}")


if __name__ == "__main__":
    main()
