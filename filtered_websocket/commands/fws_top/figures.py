"""What lies between two scrapes: rates, and what has grown."""

import math

from filtered_websocket.commands.fws_top.scrape import Scrape

# Titles are one word each, for awk, and short, for 80 columns.
PIPELINE_NOW = {"clients": "fws_connections", "channels": "fws_channels", "waiting_B": "fws_send_buffer_bytes"}
PIPELINE_RATES = {
    "new/s": "fws_connections_opened_total",
    "in/s": "fws_messages_received_total",
    "publ/s": "fws_publications_total",
    "out/s": "fws_messages_sent_total",
    "in_B/s": "fws_received_bytes_total",
    "out_B/s": "fws_sent_bytes_total",
}
REASONS = ("refused", "closed", "dropped", "failed")
LAG = "fws_reactor_lag_seconds"


class Figures:
    """
    :param before: an earlier scrape of the same server; None: there is none, and no rates
    """

    def __init__(self, before: Scrape | None, now: Scrape) -> None:
        began = "process_start_time_seconds"
        # A server that has been started anew counts from nothing.
        self._before = before if before is not None and before.value(began) == now.value(began) else None
        self.now = now

    @property
    def seconds(self) -> float:
        """From one scrape to the other, 0 if there is one only."""
        return self.now.time - self._before.time if self._before is not None else 0

    def rates(self, name: str, label: str) -> dict[str, float]:
        """Growth per second by a label; NaN without an earlier scrape."""
        earlier = self._before.by(name, label) if self._before is not None else {}
        seconds = self.seconds or math.nan
        return {key: (value - earlier.get(key, 0)) / seconds for key, value in self.now.by(name, label).items()}

    def pipelines(self) -> dict[str, dict[str, float]]:
        """Of each pipeline its figures by name, and of all in "all" if there are several."""
        rows: dict[str, dict[str, float]] = {name: {} for name in self.now.by("fws_connections", "pipeline")}
        for title, metric in PIPELINE_NOW.items():
            for pipeline, value in self.now.by(metric, "pipeline").items():
                rows[pipeline][title] = value
        for title, metric in PIPELINE_RATES.items():
            for pipeline, value in self.rates(metric, "pipeline").items():
                rows[pipeline][title] = value
        if len(rows) > 1:
            first, *_ = rows.values()
            rows["all"] = {title: sum(row.get(title, math.nan) for row in rows.values()) for title in first}
        return rows

    def reasons(self) -> list[tuple[str, str, float, float]]:
        """What went wrong: (what, reason, how often in all, per second), the most frequent first."""
        rows = []
        for what in REASONS:
            rates = self.rates(f"fws_{what}_total", "reason")
            totals = self.now.by(f"fws_{what}_total", "reason")
            rows += [(what, reason, total, rates[reason]) for reason, total in totals.items()]
        held = self.now.by("fws_filter_held_reactor_total", "filter")
        rates = self.rates("fws_filter_held_reactor_total", "filter")
        rows += [("held the reactor", name, total, rates[name]) for name, total in held.items()]
        return sorted(rows, key=lambda row: -row[2])

    def filters(self) -> list[tuple[str, str, str, float]]:
        """(pipeline, event, filter, mean seconds of its runs since the start), the slowest first."""
        counts = self.now.samples.get("fws_filter_sampled_seconds_count", {})
        sums = self.now.samples.get("fws_filter_sampled_seconds_sum", {})
        rows = []
        for labels, count in counts.items():
            of = dict(labels)
            if count and labels in sums:
                rows.append((of.get("pipeline", ""), of.get("event", ""), of.get("filter", ""), sums[labels] / count))
        return sorted(rows, key=lambda row: -row[3])

    def cpu(self) -> float:
        """Share of one core."""
        return self._growth("process_cpu_seconds_total") / (self.seconds or math.nan)

    def lag(self) -> tuple[float, float]:
        """How late the reactor's ticks are, in seconds: the mean, and what all but one of a hundred stay below.

        Between the scrapes; NaN if there was no tick.
        """
        bounds: dict[float, float] = {}
        earlier = self._before.by(f"{LAG}_bucket", "le") if self._before is not None else {}
        for bound, count in self.now.by(f"{LAG}_bucket", "le").items():
            try:
                bounds[float(bound)] = count - earlier.get(bound, 0)
            except ValueError:
                continue  # no class of ours
        ticks = self._growth(f"{LAG}_count")
        if not bounds or not ticks > 0:
            return math.nan, math.nan
        within = next((bound for bound, count in sorted(bounds.items()) if count >= 0.99 * ticks), math.nan)
        return self._growth(f"{LAG}_sum") / ticks, within

    def _growth(self, name: str) -> float:
        now = self.now.value(name)
        before = self._before.value(name) if self._before is not None else 0
        return math.nan if now is None or before is None else now - before
