"""Answers as tables, and events of a trace as lines. Names come from clients: nothing of them steers a terminal."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from rich.table import Table

from filtered_websocket.commands.terminal import shown
from filtered_websocket.errors import printable

Row = Mapping[str, Any]

# Titles are one word each, for awk.
CONNECTIONS = {
    "id": "id", "user": "user", "address": "address", "path": "path", "age_s": "age", "waiting_B": "waiting",
    "in": "messages_in", "out": "messages_out", "in_B": "bytes_in", "out_B": "bytes_out", "channels": "channel_count",
    "process": "process",
}  # fmt: skip
CHANNELS = {
    "channel": "name", "pipeline": "pipeline", "subscribers": "subscribers", "publ/s": "publications_per_second",
    "B/s": "bytes_per_second",
}  # fmt: skip


def table(titles: Mapping[str, str], rows: Iterable[Row], selected: int | None = None) -> Table:
    """
    :param selected: the number of a row that is marked
    """
    made = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    rows = list(rows)
    for title, name in titles.items():
        numeric = any(isinstance(row[name], (int, float)) for row in rows)
        made.add_column(title, justify="right" if numeric else "left", no_wrap=True)
    for number, row in enumerate(rows):
        cells = (shown(cell(row[name])) for name in titles.values())
        made.add_row(*cells, style="reverse" if number == selected else "")
    return made


def cell(value: Any) -> str:
    """A value in one word, as far as it can be: - for none."""
    if value is None or value == "":
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def details(row: Row) -> Iterable[str]:
    """A line for each member of one value."""
    for name, value in row.items():
        text = ", ".join(map(_inner, value)) if isinstance(value, list) else _inner(value)
        yield printable(f"{name}: {text}")


def _inner(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={cell(each)}" for name, each in value.items())
    return cell(value)


def line(event: Row) -> str:
    """An event of a trace in one line.

    >>> line({"time": 0, "process": "p", "id": "a", "user": "ann", "what": "received", "payload": "hi", "size": 2})[13:]
    'ann a received hi'
    """
    what = event["what"]
    if what == "begun":
        left_out = f", {event['left_out']} more are left out" if event["left_out"] else ""
        return f"tracing {event['connections']} connections on {len(event['processes'])} processes{left_out}"
    if what == "dropped":
        return f"... {event['count']} events were dropped"
    if what == "over":
        return "the time of the trace is over"
    moment = datetime.fromtimestamp(event["time"]).astimezone()
    # Milliseconds: steps of one message are close together.
    words = [f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}"]
    words += [cell(event.get("user")), cell(event.get("id"))] if "id" in event else [f"#{event['channel']}"]
    words.append(_said(what, event))
    return printable(" ".join(words))


def _said(what: str, event: Row) -> str:
    if what == "filter":
        of = " ".join(str(event[name]) for name in ("event", "namespace", "name", "method", "channel") if name in event)
        took = f"{of} | {event['filter']} {event['seconds'] * 1000:.3f} ms"
        if "raises" in event:
            return f"{took} raises {event['raises']}"
        return took if event.get("gives") is None else f"{took} gives {event['gives']}"
    shown_names = ("transport", "channel", "payload", "code", "reason", "path", "address", "subscribers")
    rest = [str(event[name]) for name in shown_names if event.get(name) not in (None, "")]
    if what == "published":
        rest = [event["payload"], f"({event['subscribers']} subscribers on {event['process']})"]
    return " ".join([what, *rest])
