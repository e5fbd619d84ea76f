"""How the stdout filters print: a title, the text, flushed."""

import sys
from typing import Any

from filtered_websocket.errors import printable


def show(title: str, text: Any) -> None:
    """Print one item; to a terminal with everything escaped that could steer it.

    Neither a reader that has gone away (``| head``), a full disk nor a terminal without the characters is a reason to
    end a connection.
    """
    if getattr(sys.stdout, "isatty", bool)():
        text = printable(str(text), newlines=True)
    try:
        print(f"--{title}--\n{text}", flush=True)  # noqa: T201 - what these filters are for
    except UnicodeEncodeError:
        print(f"--{title}--\n{str(text).encode('ascii', 'backslashreplace').decode()}", flush=True)  # noqa: T201
    except BrokenPipeError:
        sys.stdout = None  # print() to None does nothing
    except OSError:
        pass  # a full disk; what waits is written when there is room
