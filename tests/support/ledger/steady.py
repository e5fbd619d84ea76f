"""What a test that repeats something a thousand times keeps of it: nothing."""

import gc
import sys
from collections.abc import Callable

WARM_UP, TIMES = 100, 1000
KEPT = 50
"""Blocks of memory that a thousand times may keep together: caches and tables that grow by steps."""


def steady(once: Callable[[], object], times: int = TIMES) -> None:
    """Do something again and again.

    :raises AssertionError: memory has grown with it
    """
    for _ in range(WARM_UP):
        once()
    before = _blocks()
    for _ in range(times):
        once()
    grown = _blocks() - before
    assert grown <= KEPT * times / TIMES, f"{grown} blocks of memory are kept of {times} times"


def _blocks() -> int:
    # What garbage held alone may be garbage of the next round.
    for _ in range(10):
        if not gc.collect():
            break
    return sys.getallocatedblocks()
