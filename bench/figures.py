"""The figures of one or more result files: medians, bests, and ratios between rows."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import median

HIGHER_IS_BETTER = {"rate", "conn_per_s"}


class Figures:
    def __init__(self, records: Iterable[dict]) -> None:
        self.meta: dict = {}
        self.errors: dict[tuple[str, str], str] = {}
        self.lost: dict[tuple[str, str], int] = defaultdict(int)
        self.rows: list[str] = []
        self.workloads: set[str] = set()
        self.others: list[float] = []  # how many cores others used, in each measurement
        self._rounds: dict[tuple[str, str], dict[int, dict]] = defaultdict(dict)
        for record in records:
            self._add(record)

    @classmethod
    def load(cls, paths: Iterable[Path]) -> "Figures":
        return cls(json.loads(line) for path in paths for line in path.read_text().splitlines())

    def _add(self, record: dict) -> None:
        if "meta" in record:
            self.meta = self.meta or record["meta"]
            self.rows += [row for row in record["meta"]["rows"] if row not in self.rows]
            return
        self.others.append(record.get("others", 0.0))
        cell = record["row"], record["workload"]
        self.workloads.add(record["workload"])
        if "error" in record:
            self.errors[cell] = record["error"]
            return
        self.lost[cell] += record.get("lost", 0) + record.get("closed", 0)
        self._rounds[cell][record["round"]] = record

    def values(self, row: str, workload: str, field: str) -> dict[int, float]:
        """By round."""
        rounds = self._rounds.get((row, workload), {})
        return {number: record[field] for number, record in rounds.items() if field in record}

    def median(self, row: str, workload: str, field: str) -> float | None:
        values = self.values(row, workload, field).values()
        return median(values) if values else None

    def best(self, row: str, workload: str, field: str) -> float | None:
        values = self.values(row, workload, field).values()
        if not values:
            return None
        return max(values) if field in HIGHER_IS_BETTER else min(values)

    def ratio(self, row: str, other: str, workload: str, field: str, beside: str = "") -> float | None:
        """How many times what `row` takes does `other` take: the median of the rounds' own ratios, since a machine that
        slows down from one round to the next slows both.

        :param beside: the workload in which `other` is looked at; "": the same one
        """
        ours, theirs = self.values(row, workload, field), self.values(other, beside or workload, field)
        ratios = [theirs[number] / ours[number] for number in ours if ours[number] and number in theirs]
        return median(ratios) if ratios else None
