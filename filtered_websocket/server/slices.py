"""Long work in slices, so that what an operator asks for holds up no client."""

from time import perf_counter
from typing import Any

from twisted.internet.task import deferLater

SLICE_SECONDS = 0.002
"""What one look takes of a reactor's turn."""
AT_ONCE = 64
"""Steps between two looks at the clock."""


class Slices:
    """Gives the reactor back to others whenever a slice is over."""

    def __init__(self, reactor: Any) -> None:
        self._reactor, self._number = reactor, 0
        self._end = perf_counter() + SLICE_SECONDS

    async def rest(self) -> None:
        """Called between two steps."""
        self._number += 1
        if not self._number % AT_ONCE and perf_counter() > self._end:
            await deferLater(self._reactor, 0)
            self._end = perf_counter() + SLICE_SECONDS
