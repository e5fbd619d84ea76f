"""The cells of the report's tables: one figure of one row in one workload, as text; "-" where it was not measured."""

from figures import Figures
from rows import OURS


def median_and_best(figures: Figures, row: str, workload: str, field: str, form: str) -> str:
    middle, best = figures.median(row, workload, field), figures.best(row, workload, field)
    return "-" if middle is None else f"{form.format(middle)} ({form.format(best)})"


def middle_of(figures: Figures, row: str, workload: str, field: str, form: str) -> str:
    middle = figures.median(row, workload, field)
    return "-" if middle is None else form.format(middle)


def times_ours(figures: Figures, row: str, workload: str, field: str, ours: str = OURS) -> str:
    ratio = figures.ratio(ours, row, workload, field)
    return "-" if ratio is None else f"{ratio:.2f}"


def latency(figures: Figures, row: str, workload: str) -> str:
    middle, tail = (figures.median(row, workload, field) for field in ("p50_us", "p99_us"))
    return "-" if middle is None or tail is None else f"{middle / 1000:.2f} / {tail / 1000:.2f}"


def server_name(row: str) -> str:
    return f"**{row}**" if row.startswith(OURS) else row


def grid(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows))
