"""Makes docs/benchmarks.md and docs/benchmarks.svg of result files: `report.py [--write] [FILE...]`, by default the
newest one, printed. Several files are one report: rows measured later join those of the first."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

import places
from bars import DELIVERIES, Verdict, verdicts
from cells import grid, latency, median_and_best, middle_of, server_name, times_ours
from chart import chart
from figures import Figures
from rows import FEW, OURS, PACK_WORKLOADS, ROWS
from workloads import IDLE, PLAIN, WORKLOADS, Workload, everywhere, measured

UNITS = {"cpu_us": "CPU", "p99_us": "p99", "hs_cpu_us": "CPU per handshake", "kb_per_conn": "KB per idle connection"}
TITLES = {workload.name: workload.title for workload in WORKLOADS}
_BY_NAME = {workload.name: workload for workload in WORKLOADS}
_Column = tuple[str, str, str]
_COLUMNS: tuple[_Column, ...] = (
    ("CPU, µs", "cpu_us", "{:.2f}"),
    ("per second", "rate", "{:,.0f}"),
    ("p99, µs", "p99_us", "{:,.0f}"),
    ("resident, KB", "rss_kb", "{:,.0f}"),
    ("generator's load", "gen_util", "{:.0%}"),
)
_IDLE_COLUMNS: tuple[_Column, ...] = (
    ("CPU µs per handshake", "hs_cpu_us", "{:.0f}"),
    ("handshakes per second", "conn_per_s", "{:,.0f}"),
    ("KB each, resident", "kb_per_conn", "{:.2f}"),
    ("generator's load", "gen_util", "{:.0%}"),
)
_PER_CHANNEL: _Column = ("KB per channel, clients included", "kb_per_channel", "{:.2f}")


def report(paths: Iterable[Path], *, write: bool) -> None:
    figures = Figures.load(paths)
    text = markdown(figures)
    if not write:
        print(text)
        return
    places.DOCS.mkdir(exist_ok=True)
    (places.DOCS / "benchmarks.md").write_text(text)
    (places.DOCS / "benchmarks.svg").write_text(chart(figures))
    print("bench: wrote docs/benchmarks.md and docs/benchmarks.svg")


def markdown(figures: Figures) -> str:
    return "\n\n".join(part for part in _parts(figures) if part) + "\n"


def _parts(figures: Figures) -> Iterable[str]:
    meta = figures.meta
    yield "# Benchmarks"
    yield "<!-- Made by bench/report.py; `make bench` makes it anew. -->"
    yield (
        f"{meta['date']}, {meta['cpu']}, {meta['cores']} cores, Linux {meta['kernel']}: the server pinned to core "
        f"{meta['pinned'][0]}, the generator to core {meta['pinned'][1]}. `{meta['command']}`: {meta['rounds']} "
        f"rounds, {meta['tmax']:g} s each, the servers interleaved, each started afresh. Medians, the best round in "
        "brackets. How it is done and how to read it: [bench/README.md](../bench/README.md)."
    )
    yield ", ".join(f"{name} {version}" for name, version in meta["versions"].items()) + "."
    yield (
        f"What else ran on the machine meanwhile took {median(figures.others or [0]):.0%} of a core in the median "
        f"measurement, {max(figures.others, default=0):.0%} at worst."
    )
    if figures.workloads.intersection(PLAIN):
        yield from _plain(figures)
    for workload in WORKLOADS:
        if workload.name in figures.workloads and workload.name not in PLAIN:
            yield _alone(figures, workload)
    yield _bars(verdicts(figures))
    yield _troubles(figures)


def _plain(figures: Figures) -> Iterable[str]:
    """What all servers are measured in, side by side."""
    yield "![Server CPU per delivery, memory and handshakes, by server](benchmarks.svg)"
    yield _table(
        figures,
        "Server CPU, µs per delivered message",
        lambda row, w: median_and_best(figures, row, w, "cpu_us", "{:.2f}"),
    )
    yield _table(figures, "Deliveries per second", lambda row, w: median_and_best(figures, row, w, "rate", "{:,.0f}"))
    yield _table(figures, "Latency p50 / p99, ms", lambda row, w: latency(figures, row, w))
    yield (
        _table(figures, "The generator's own load", lambda row, w: middle_of(figures, row, w, "gen_util", "{:.0%}"))
        + "\n\nOf its core. Near 100 % the rate beside it is a lower bound, and the latency the generator's own."
    )
    yield _few(figures)
    yield _packs(figures)
    yield _idle(figures)
    yield _ratios(figures)


def _table(figures: Figures, title: str, cell: Callable[[str, str], str]) -> str:
    rows = [[server_name(row), *(cell(row, workload) for workload in DELIVERIES)] for row in everywhere(figures.rows)]
    return f"## {title}\n\n" + grid(["server", *DELIVERIES], rows)


def _few(figures: Figures) -> str:
    """The servers that are measured in a few of the plain workloads only, and speak no protocol of their own."""
    names = [row.name for row in ROWS if row.name in figures.rows and row.workloads == FEW]
    head = ["server", *(f"{w}, {what}" for w in FEW for what in ("µs CPU", "times ours"))]
    rows = []
    for name in names:
        cells = [
            (
                median_and_best(figures, name, workload, "cpu_us", "{:.2f}"),
                times_ours(figures, name, workload, "cpu_us"),
            )
            for workload in FEW
        ]
        rows.append([name, *(cell for pair in cells for cell in pair)])
    title = "Starlette on uvicorn, compiled peers, and two workers"
    note = "\n\nPer delivered message, as above. Each on one core: Go with GOMAXPROCS=1, tokio on one thread."
    return f"## {title}{note}\n\n" + grid(head, rows) if rows else ""


def _packs(figures: Figures) -> str:
    rows = []
    for row in ROWS:
        if row.workloads == PACK_WORKLOADS and row.name in figures.rows:
            cells = [median_and_best(figures, row.name, workload, "cpu_us", "{:.2f}") for workload in row.workloads]
            cells += [median_and_best(figures, row.name, workload, "rate", "{:,.0f}") for workload in row.workloads]
            rows.append([row.name, *cells, latency(figures, row.name, row.workloads[0])])
    if not rows:
        return ""
    head = [
        "server",
        "fan1000, µs CPU",
        "pair, µs CPU",
        "fan1000, per second",
        "pair, per second",
        "fan1000 p50 / p99, ms",
    ]
    return "## Packs, and peers of their protocols\n\nPer delivered message, as above.\n\n" + grid(head, rows)


def _alone(figures: Figures, workload: Workload) -> str:
    """The table of a workload that is not one of the plain ones."""
    columns = _COLUMNS
    if "--mode idle" in workload.arguments:
        columns = _IDLE_COLUMNS
    if "--before" in workload.arguments:  # their memory had been taken by those before them
        columns = tuple(column for column in columns if column[1] != "kb_per_conn")
    if "--channels 50000" in workload.arguments:
        columns = (*columns, _PER_CHANNEL)
    # A pack is what its peers are compared with.
    ours = workload.rows[0] if workload.rows and OURS not in workload.rows else OURS
    rows = []
    for name in measured(workload, figures.rows):
        cells = [middle_of(figures, name, workload.name, field, form) for _, field, form in columns]
        times = times_ours(figures, name, workload.name, columns[0][1], ours)
        rows.append([server_name(name), cells[0], times, *cells[1:]])
    titles = [title for title, *_ in columns]
    heading = f"## {workload.title[0].upper()}{workload.title[1:]} ({workload.name})\n\n"
    return heading + grid(["server", titles[0], "times ours", *titles[1:]], rows)


def _idle(figures: Figures) -> str:
    fields = (("kb_per_conn", "{:.2f}"), ("hs_cpu_us", "{:.0f}"), ("conn_per_s", "{:,.0f}"))
    rows = [
        [
            server_name(row),
            *(median_and_best(figures, row, IDLE, field, form) for field, form in fields),
            middle_of(figures, row, IDLE, "gen_util", "{:.0%}"),
        ]
        for row in measured(_BY_NAME[IDLE], figures.rows)
    ]
    head = ["server", "KB each, resident", "CPU µs per handshake", "handshakes per second", "generator's load"]
    deflate = (
        "\n\nThe clients of the rows `deflate` have each sent one compressed message. Those of the first let the "
        "server choose their window, those of the second do not (32 KB)."
    )
    return f"## {TITLES[IDLE]}\n\n" + grid(head, rows) + deflate


def _ratios(figures: Figures) -> str:
    if OURS not in figures.rows:
        return ""
    rows = []
    for row in everywhere(figures.rows):
        cells = [figures.ratio(OURS, row, workload, "cpu_us") for workload in DELIVERIES]
        cells += [figures.ratio(OURS, row, IDLE, field) for field in ("kb_per_conn", "hs_cpu_us")]
        if row != OURS:
            rows.append([row, *("-" if cell is None else f"{cell:.2f}" for cell in cells)])
    head = ["server", *DELIVERIES, "memory", "handshake"]
    return f"## How many times the cost of {OURS}\n\nThe medians of each round's own ratios.\n\n" + grid(head, rows)


def _bars(found: list[Verdict]) -> str:
    rows, measured = [], [verdict for verdict in found if verdict.measured is not None]
    if not measured:
        return ""
    for verdict in measured:
        bar, what = verdict.bar, f"{UNITS[verdict.bar.field]}, {TITLES[verdict.bar.workload]}"
        ours = "ours" if bar.row == OURS else f"what {bar.row} takes"
        other = f"{TITLES[bar.beside]}, {bar.other}" if bar.beside else bar.other
        asked = f"{other} takes at least {bar.limit:.2f} times {ours}" if bar.other else f"at most {bar.limit:g}"
        rows.append([what, asked, f"{verdict.measured:.2f}", "pass" if verdict.passed else "**fail**"])
    title = f"## What {OURS} is held to: {sum(verdict.passed for verdict in measured)} of {len(measured)} pass"
    missing = f"\n\nNot measured in this run: {len(found) - len(measured)} more." if len(found) > len(measured) else ""
    return f"{title}\n\n" + grid(["what", "asked", "measured", ""], rows) + missing


def _troubles(figures: Figures) -> str:
    lines = [f"- {row}, {workload}: failed: {error}" for (row, workload), error in figures.errors.items()]
    lines += [
        f"- {row}, {workload}: {lost} messages or connections lost"
        for (row, workload), lost in figures.lost.items()
        if lost
    ]
    if figures.workloads.issuperset(PLAIN):  # else it was a part that was asked for
        left_out = [row.name for row in ROWS if row.name not in figures.rows]
        left_out += [workload.name for workload in WORKLOADS if workload.name not in figures.workloads]
        lines += [f"- {name}: not measured" for name in left_out]
    return "## Troubles\n\n" + "\n".join(lines) if lines else ""


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md and docs/benchmarks.svg")
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    files = options.files or sorted(places.BUILD.glob("*.jsonl"))[-1:]
    if not files:
        sys.exit("report: no results in build/bench: run bench/run.py first")
    report(files, write=options.write)


if __name__ == "__main__":
    _main()
