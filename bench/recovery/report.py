"""Makes docs/benchmarks-recovery.md of the records of a run."""

from collections.abc import Sequence
from statistics import median
from typing import Any

import places
from cells import grid

from recovery.tally import quantile

_HEADS = {
    "jitter": ["server", "delivered", "double", "out of order", "lies", "lost untold", "recovered", "told that not",
               "replay p50 / p99, ms"],
    "avalanche": ["server", "delivered", "double", "out of order", "lies", "lost untold", "recovered",
                  "told that not", "back p50 / p95 / last, s", "CPU of the server, s"],
}  # fmt: skip
_TITLES = {
    "jitter": "Jitter: {clients:,} clients, each reset every 15 s or so, two seconds away, two messages a second",
    "avalanche": "Avalanche: {clients:,} clients, the server killed and started again at once",
}
_NOTES = """- delivered: of what the server confirmed after a client had first been in.
- lies: missing, though the client was told that nothing is. Lost untold: missing, and the client was told nothing.
- recovered, told that not: what clients were told when they came back.
- replay: from connect, handshake included, until a client is in and has all that it had missed.
- CPU of the server: of its processes, kernel included, from when it listens until 20 s later. Redis is not in it.
- back: the same, from the moment the new server was seen to listen. A client tries again within 1 s, then within 2 s,
  at a moment of its own."""


def line(record: dict[str, Any]) -> str:
    """A record in one line, for those that watch."""
    return f"{record['test']:10} " + "  ".join(f"{cell:>8}" for cell in _cells(record))


def report(records: Sequence[dict[str, Any]], *, write: bool) -> None:
    text = markdown(records)
    if write:
        (places.DOCS / "benchmarks-recovery.md").write_text(text)
    else:
        print(text)


def markdown(records: Sequence[dict[str, Any]]) -> str:
    meta, *measured = (record.get("meta", record) for record in records)
    parts = [
        "# Coming back",
        "<!-- Made by bench/recover.py; `make bench-recovery` makes it anew. -->",
        f"{meta['date']}, {meta['cpu']}, {meta['cores']} cores, Linux {meta['kernel']}: the servers pinned to core "
        f"{meta['pinned'][0]}, the clients to core {meta['pinned'][1]}. `{meta['command']}`. How it is done: "
        "[bench/README.md](../bench/README.md#coming-back).",
        ", ".join(f"{name} {version}" for name, version in meta["versions"].items()) + ".",
        f"What else ran on the machine meanwhile took {median(each.get('others', 0.0) for each in measured):.0%} of a "
        "core in the median measurement: times are as good as that is small, counts are what they are.",
        _NOTES,
    ]
    for test, head in _HEADS.items():
        of_test = [record for record in measured if record["test"] == test]
        if of_test:
            parts.append(f"## {_TITLES[test].format(clients=of_test[0]['clients'])}")
            parts.append(grid(head, [_cells(record) for record in of_test]))
    return "\n\n".join(parts) + "\n"


def _cells(record: dict[str, Any]) -> list[str]:
    if "error" in record:
        return [record["row"], f"failed: {record['error']}"] + [""] * (len(_HEADS[record["test"]]) - 2)
    share = 100 * record["delivered"] / record["owed"] if record["owed"] else 0.0
    counts = [f"{record[name]:,}" for name in ("doubles", "disorder", "lies", "untold", "recovered", "refused")]
    if record["test"] == "jitter":
        times = [record[f"replay_{name}_ms"] for name in ("p50", "p99")]
        last = " / ".join("-" if each is None else f"{each:.1f}" for each in times)
    else:
        back = sorted(record["back_ms"])
        found = [quantile(back, part) for part in (0.5, 0.95, 1.0)]
        last = " / ".join("-" if each is None else f"{each / 1000:.2f}" for each in found)
        last += f"; {record['outside']:,} not back" if record["outside"] else ""
    # 100.00 stands for all, and for nothing else.
    shown = "100.00 %" if record["delivered"] == record["owed"] else f"{min(share, 99.99):.2f} %"
    used = [] if record["test"] == "jitter" else [f"{record['cpu_s']:.2f}"]
    return [record["row"], shown, *counts, last, *used]
