"""The log: one line per event on standard error. Standard output belongs to filters."""

import json
import os
import re
import sys
import traceback
import warnings
from datetime import UTC, datetime
from functools import partial
from typing import IO, Any

from twisted.logger import (
    FileLogObserver,
    FilteringLogObserver,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    PredicateResult,
    STDLibLogObserver,
    formatEvent,
    globalLogBeginner,
)

from filtered_websocket.chain import about
from filtered_websocket.config.option import Option
from filtered_websocket.config.parsers import choice
from filtered_websocket.errors import printable
from filtered_websocket.monitoring import standard_logging
from filtered_websocket.monitoring.repeated import Repeated

LOG_FORMAT = Option(
    "log_format", choice("human", "json"), "human", "lines for people or for machines: human, json", at_start=True
)
LEVELS = ("debug", "info", "warn", "error", "critical")
_SAME_LEVEL = {"warning": "warn", "fatal": "critical", "panic": "critical"}


def _level(value: Any) -> str:
    word = value.strip().lower() if isinstance(value, str) else value
    # Go programs call three of them otherwise, Philote's LOGLEVEL among them.
    level: str = choice(*LEVELS)(_SAME_LEVEL.get(word, word) if isinstance(word, str) else word)
    return level


LOG_LEVEL = Option(
    "log_level", _level, "info", f"least important level that is logged: {', '.join(LEVELS)}", at_start=True
)
OPTIONS = (LOG_FORMAT, LOG_LEVEL)

ABOUT = ("connection", "user", "pipeline", "trace_id")
"""Fields of an event that say what it is about."""
COLOURS = {"debug": 2, "warn": 33, "error": 31, "critical": 31}
"""By level, as terminals number them."""
_OURS = "filtered_websocket."
_NOISE = re.compile(r"\S+( \(TLS\))? starting on \S+|\(.* Closed\)|Main loop terminated\.")


def begin(log_format: str, level: str, stream: IO[str] | None = None, worker: str = "") -> None:
    """Begin to log, once per process.

    :param worker: the number of this process, where there are several
    """
    to = stream or sys.stderr
    coloured = to.isatty() and not os.environ.get("NO_COLOR")
    formatter = partial(_as_json, worker=worker) if log_format == "json" else partial(_for_people, worker, coloured)
    # Interfaces of zope, which mypy cannot see.
    predicates: Any = [_no_noise, LogLevelFilterPredicate(LogLevel.lookupByName(level)), Repeated()]
    lines: Any = FileLogObserver(to, formatter)
    observer: Any = FilteringLogObserver(lines, predicates)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    standard_logging.begin(level)


def begin_in_program() -> None:
    """Log to Python's `logging`, as ``filtered_websocket``, unless the program has begun a log of Twisted's.

    Until one is begun Twisted shows critical events alone, and keeps the others.
    """
    if globalLogBeginner._temporaryObserver is None:  # nothing public says so
        return
    predicates: Any = [_no_noise, Repeated()]
    to: Any = STDLibLogObserver(_OURS.rstrip("."))
    observer: Any = FilteringLogObserver(to, predicates)
    shows_warnings = warnings.showwarning
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    warnings.showwarning = shows_warnings  # the program's affair


def is_noise(text: str) -> bool:
    """Whether it is what Twisted says of its ports and its main loop: the banner says it better."""
    return _NOISE.fullmatch(text) is not None


def _no_noise(event: LogEvent) -> Any:
    return PredicateResult.no if is_noise(formatEvent(event)) else PredicateResult.maybe


def _text(event: LogEvent) -> str:
    text = formatEvent(event)
    failure = event.get("log_failure")
    return f"{text}\n{_traceback(failure)}" if failure is not None else text


def _traceback(failure: Any) -> str:
    if failure.value is not None and failure.value.__traceback__ is not None:
        return "".join(traceback.format_exception(failure.value)).rstrip()
    return str(failure.getTraceback()).rstrip()


def _about(event: LogEvent, worker: str) -> dict[str, str]:
    """What a line is about. The server's own lines say it themselves, where they are about anything."""
    found = {name: event[name] for name in ABOUT if name in event}
    if not found and not str(event.get("log_namespace", "")).startswith(_OURS):
        found = about.now()
    return {**found, "worker": worker} if found and worker else found


def _for_people(worker: str, coloured: bool, event: LogEvent) -> str | None:
    text = _text(event)
    if not text:
        return None
    time = datetime.fromtimestamp(event["log_time"]).astimezone()
    level = event["log_level"].name if event.get("log_level") else "info"
    # One event, one line: what follows is indented, so that a line begins with a time or belongs to the one above.
    # And what a filter's exception quotes of a client must not steer the terminal that shows the log.
    body = printable(text.rstrip(), newlines=True)
    if said := _about(event, worker):
        first, end, rest = body.partition("\n")
        body = f"{first} [{printable(', '.join(f'{name} {value}' for name, value in said.items()))}]{end}{rest}"
    shown = f"\x1b[{COLOURS[level]}m{level:5}\x1b[0m" if coloured and level in COLOURS else f"{level:5}"
    body = body.replace("\n", "\n    ")
    return f"{time:%Y-%m-%d %H:%M:%S} {shown} {body}\n"


def _as_json(event: LogEvent, worker: str = "") -> str:
    fields = {
        name: value
        for name, value in event.items()
        if not name.startswith("log_") and name not in (*ABOUT, "time", "message", "isError", "format", "system")
    }
    line: dict[str, Any] = {
        "time": datetime.fromtimestamp(event["log_time"], UTC).isoformat(timespec="milliseconds"),
        "level": event["log_level"].name if event.get("log_level") else "info",
        "namespace": event.get("log_namespace", ""),
        "message": formatEvent(event),
    }
    line |= {"worker": worker} if worker else {}
    line |= _about(event, worker)
    if fields:
        line["fields"] = fields
    failure = event.get("log_failure")
    if failure is not None:
        line["traceback"] = _traceback(failure)
    return json.dumps(line, default=repr) + "\n"
