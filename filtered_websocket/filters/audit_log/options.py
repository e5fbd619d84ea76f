"""The options of audit_log."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from filtered_websocket.config import Option, integer, size, text, words
from filtered_websocket.errors import ConfigError

EVENTS = ("connect", "message", "publication", "disconnect")
FIELDS = (
    "time", "event", "pipeline", "connection", "user", "peer", "path", "channel", "kind", "size", "code", "reason",
    "text",
)  # fmt: skip
STANDARD_OUTPUT = "-"


def _some_of(known: Sequence[str]) -> Callable[[Any], list[str]]:
    def parse(value: Any) -> list[str]:
        names = words(value)
        if not names or set(names) - set(known):
            raise ValueError(f"some of these are wanted: {' '.join(known)}")
        return names

    return parse


def _share(value: Any) -> float:
    try:
        share = float(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else -1.0
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("a number from 0 to 1 is wanted, such as 0.01 for one in a hundred")
    return share


FILE = Option("audit_file", text, STANDARD_OUTPUT, "file that lines are appended to; -: standard output", scope="use")
SIZE = Option(
    "audit_size", size(1024, 1 << 40), 100 * 1024 * 1024, "of a file, before it is put aside as FILE.1",
    unit="bytes", scope="use",
)  # fmt: skip
FILES = Option("audit_files", integer(0, 1000), 5, "files that are kept beside it: FILE.1 is the newest", scope="use")
WHAT = Option(
    "audit_events", _some_of(EVENTS), ["connect", "message", "disconnect"], f"of {' '.join(EVENTS)}", many=True,
    scope="use",
)  # fmt: skip
SHOWN = Option(
    "audit_fields", _some_of(FIELDS), list(FIELDS[:-1]), f"of {' '.join(FIELDS)}", many=True, scope="use"
)  # fmt: skip
SAMPLE = Option("audit_sample", _share, 1.0, "share of messages and publications that is written", scope="use")
TEXT = Option("audit_text", integer(1, 65536), 200, "most characters of the field text", scope="use")
QUEUE = Option("audit_queue", integer(1, 1_000_000), 10_000, "lines that may wait for the disk", scope="use")
OPTIONS = (FILE, SIZE, FILES, WHAT, SHOWN, SAMPLE, TEXT, QUEUE)


def check(options: Any) -> None:
    """
    :raises ConfigError: the file cannot be written
    """
    path = options.audit_file
    if path == STANDARD_OUTPUT:
        return
    folder = os.path.dirname(os.path.abspath(path))
    if not path or os.path.isdir(path):
        raise ConfigError("audit_file: the name of a file is wanted, or -")
    if not os.path.isdir(folder):
        raise ConfigError(f"audit_file: there is no folder {folder}")
    if not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise ConfigError(f"audit_file: {path} cannot be written")


def no_effect(options: Any) -> Iterator[tuple[str, str]]:
    """What takes no effect beside other options: its name, and why."""
    if options.audit_file == STANDARD_OUTPUT:
        yield "audit_size", "with standard output"
        yield "audit_files", "with standard output"
    if "text" not in options.audit_fields:
        yield "audit_text", "without text in audit_fields"
