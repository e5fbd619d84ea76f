"""Which of some functions runs: Python's, the reference, or that of accelerator.c, where that was built.

`pip install` builds it where there is a C compiler (setup.py). What it does is the same, byte by byte. A checkout may
have a build of an older commit: a function that takes other parameters has another name, so none is called wrongly.
"""

import os
from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])

SWITCH = "FILTERED_WEBSOCKET_NO_EXTENSIONS"
"""The environment variable that keeps C out, with any value."""

references: dict[str, Callable[..., object]] = {}
"""Python's functions, by name."""

loaded: ModuleType | None = None
"""The C in use."""
if not os.environ.get(SWITCH):
    try:
        from filtered_websocket.messages import _accelerator as loaded
    except ImportError:
        pass  # there was no compiler, or it was built for another Python


def accelerated(reference: F) -> F:
    """Have C's function of this name, where there is one, in the place of Python's."""
    name = reference.__name__
    references[name] = reference
    found: F = getattr(loaded, name, reference)
    return found
