"""What a test that repeats something a thousand times keeps of it: nothing."""

import gc
import sys
from collections.abc import Callable

from tests.support.ledger.memory_server import servers

WARM_UP, TIMES = 300, 1000
"""Python has numbers to 256 from its start: what counts takes memory only from then on."""
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
    servers.prune()
    for _ in range(10):
        if not gc.collect():
            break
    return sys.getallocatedblocks()
