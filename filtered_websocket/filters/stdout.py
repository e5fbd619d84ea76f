"""How the stdout filters print: a title, the text, flushed."""

import sys
from typing import Any


def show(title: str, text: Any) -> None:
    """Print one item. A reader that has gone away (``| head``) is no reason to end anybody's connection."""
    try:
        print(f"--{title}--\n{text}", flush=True)  # noqa: T201 - what these filters are for
    except BrokenPipeError:
        sys.stdout = None  # type: ignore[assignment]  # print() to None does nothing
