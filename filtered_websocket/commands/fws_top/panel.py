"""A server's figures as tables."""

import math
import time
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from filtered_websocket.commands.fws_top.figures import PIPELINE_NOW, PIPELINE_RATES, Figures
from filtered_websocket.commands.terminal import shown

FILTERS = 5
"""The slowest filters are shown."""
REASONS = 12
LATE = 0.05
"""Seconds of lag that are worth a colour."""


def panel(figures: Figures, url: str, trouble: str = "") -> RenderableType:
    """All there is to see.

    :param trouble: why these figures are not of now
    """
    return Group(*_parts(figures, url, trouble))


def _parts(figures: Figures, url: str, trouble: str) -> Iterator[RenderableType]:
    yield _head(figures, url)
    if trouble:
        yield shown(trouble, "bold red")
    yield ""
    yield _pipelines(figures)
    yield ""
    yield _state(figures)
    reasons = figures.reasons()
    if reasons:
        table = _table("trouble", "reason", "total", "per_s")
        for what, reason, total, rate in reasons[:REASONS]:
            _add(table, what, reason, amount(total), Text(amount(rate), "bold red" if rate > 0 else ""))
        yield ""
        yield table
    filters = figures.filters()
    if filters:
        table = _table("slowest", "event", "pipeline", "mean_ms")
        for pipeline, event, name, seconds in filters[:FILTERS]:
            _add(table, name, event, pipeline, amount(seconds * 1000))
        yield ""
        yield table


def _head(figures: Figures, url: str) -> Text:
    now = figures.now
    version = next(iter(now.by("fws_info", "version")), "")
    head = Text(no_wrap=True, overflow="ellipsis").append_text(shown(url, "bold"))
    head.append_text(shown(f"  filtered_websocket {version}  "))
    head.append("ready" if now.value("fws_ready") else "NOT READY", "green" if now.value("fws_ready") else "bold red")
    began = now.value("process_start_time_seconds")
    if began and math.isfinite(began):
        head.append(f"  up {_duration(time.time() - began)}")
    head.append(f"  cpu {amount(figures.cpu() * 100)} %")
    memory = now.value("process_resident_memory_bytes")
    if memory is not None:
        head.append(f"  memory {amount(memory / 2**20)} MiB")
    descriptors, most = now.value("process_open_fds"), now.value("process_max_fds")
    if descriptors is not None and most is not None:
        head.append(f"  descriptors {amount(descriptors)} of {amount(most)}")
    return head


def _pipelines(figures: Figures) -> Table:
    titles = [*PIPELINE_NOW, *PIPELINE_RATES]
    table = _table("pipeline", *titles)
    for name, row in figures.pipelines().items():
        _add(table, name, *(amount(row.get(title, math.nan)) for title in titles))
    return table


def _state(figures: Figures) -> Table:
    now = figures.now
    table = _table("storage", "answer_ms", "lag_ms", "lag_99%_ms", "opening", "http", "http/s")
    works = bool(now.value("fws_storage_ready"))
    round_trip = now.value("fws_storage_round_trip_seconds")
    mean, most = figures.lag()
    answers = sum(figures.rates("fws_http_responses_total", "status").values())
    _add(
        table,
        Text("ready" if works else "AWAY", "green" if works else "bold red"),
        "none" if round_trip is None or math.isnan(round_trip) else amount(round_trip * 1000),
        amount(mean * 1000),
        Text(amount(most * 1000), "bold red" if most > LATE else ""),
        amount(now.value("fws_connections_opening") or 0),
        amount(now.value("fws_http_connections") or 0),
        amount(answers),
    )
    return table


def _table(*titles: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    words = {"reason", "event", "pipeline", "storage", "slowest", "trouble"}
    for title in titles:
        table.add_column(title, justify="left" if title in words else "right", no_wrap=True)
    return table


def _add(table: Table, *cells: str | Text) -> None:
    """A row: a str may be a name from outside, a Text is ours."""
    table.add_row(*(shown(cell) if isinstance(cell, str) else cell for cell in cells))


def amount(value: float) -> str:
    """A number for people: as short as its size allows, - if it is not known.

    >>> [amount(each) for each in (0, 7, 0.123, 12.34, 1234, 56789, 1234567, float("nan"), float("inf"))]
    ['0', '7', '0.123', '12.3', '1234', '56.8k', '1.23M', '-', 'more']
    """
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "more"
    for bound, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= bound:
            return f"{value / (1e3 if unit == 'k' else bound):.3g}{unit}"
    return str(int(value)) if value == int(value) or abs(value) >= 100 else f"{value:.3g}"


def _duration(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days} d {hour:02}:{minute:02}:{second:02}" if days else f"{hour:02}:{minute:02}:{second:02}"
