"""Makes docs/endurance.md of the results of a run."""

import platform
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.soak.load import PAUSE, VISITORS
from tests.soak.soak import EVERY, MOST_GROWTH, PARTS, WARM_UP, WINDOW, Result
from tests.soak.state import ALLOCATED
from tests.soak.visits import VISITS

PAGE = Path(__file__).parents[2] / "docs" / "endurance.md"
_HOW = f"""Every pack is served by one process, each in a pipeline of its own, once with storage in memory and once on
a Redis. At each of them {VISITORS} visitors make one visit after another, with {PAUSE:g} s of rest in between. A visit
is chosen at random: it opens one or two connections, sees that it is served, and leaves by the closing handshake, by a
reset, by closing the socket without a word, or in the middle of a frame. A fifth of them stay for some seconds. Some
visits do what a server has to refuse. What is published is kept for a minute.

- *memory*: what the process has allocated, in memory or swapped out: `{" + ".join(ALLOCATED)}` of
  `/proc/PID/status`, looked at every {EVERY:g} s. Pages of its program and libraries are not in it: the system reads
  and drops them as it needs room, so what is resident would hide growth, or show some where there is none. The first
  {WARM_UP:.0%} of the time are the warm-up; then the median over {WINDOW:.0%} of the time is compared with the median
  over the last {WINDOW:.0%}. It may have grown by {MOST_GROWTH:.0%}.
- *left*: descriptors, threads and child processes by the process table, the rest by `/metrics`: before the load, after
  each visit was made once, and when all have gone. They have to be the same.
- *counted*: whatever the server has refused, dropped, closed or failed at. Each visit says what it makes the server
  count; both numbers have to be the same, for each reason.
- A visit that is not served as it has to be is a fault, and so is a traceback in the log."""


def markdown(results: Sequence[Result], about: dict[str, str]) -> str:
    """The page."""
    parts = [
        "# Endurance",
        "<!-- Made by tests/soak; `make soak` makes it anew. -->",
        f"{about['date']}, {about['cpu']}, {about['cores']} cores, Python {about['python']}: both servers at one time, "
        f"for {results[0].seconds / 60:g} minutes. `{about['command']}`.",
        _HOW,
        "## Allocated, MB",
        _table(
            ["storage", "warm", *(f"{number + 1}/{PARTS}" for number in range(PARTS)), "end", "highest", "grown by"],
            map(_memory, results),
        ),
        "## Left",
        _table(["", *(f"{each.storage}: {when}" for each in results for when in ("before", "after"))], _left(results)),
        "## Counted",
        _table(
            ["", *(f"{each.storage}: {what}" for each in results for what in ("counted", "explained"))],
            _counted(results),
        ),
        "## Load",
        _table(["", *(each.storage for each in results)], _load(results)),
        "## Faults",
        "\n".join(f"- {each.storage}: {fault.splitlines()[0]}" for each in results for fault in each.faults) or "None.",
    ]
    return "\n\n".join(parts) + "\n"


def about(command: str) -> dict[str, str]:
    """When and where a run was."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "cpu": models[0].partition(": ")[2] if models else platform.machine(),
        "cores": str(len(models) or 1),
        "python": platform.python_version(),
        "command": command,
    }


def _memory(result: Result) -> list[str]:
    memory = result.memory
    sizes = [memory["warm"], *memory["parts"], memory["end"], memory["highest"]]
    return [result.storage, *(f"{size / 1e6:.1f}" for size in sizes), f"{memory['end'] / memory['warm'] - 1:+.2%}"]


def _left(results: Sequence[Result]) -> Iterable[list[str]]:
    for name in results[0].left:
        yield [name, *(f"{number:,}" for each in results for number in each.left[name])]


def _counted(results: Sequence[Result]) -> Iterable[list[str]]:
    for name in sorted({name for each in results for name in each.counted}):
        yield [name, *(f"{number:,}" for each in results for number in each.counted.get(name, [0, 0]))]


def _load(results: Sequence[Result]) -> Iterable[list[str]]:
    for visit in VISITS:
        name = visit.__name__
        yield [f"visits: {name.replace('_', ' ')}", *(f"{each.visits.get(name, 0):,}" for each in results)]
    for name in results[0].sums:
        yield [f"`{name}`", *(f"{each.sums[name]:,}" for each in results)]
    yield ["CPU of the server, s", *(f"{each.cpu:.0f}" for each in results)]


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
