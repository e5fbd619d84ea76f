"""How long to wait before the next try to connect."""

import random
import time

FIRST, MOST = 0.5, 15.0
"""Seconds before the second try, and at most, jitter left out."""
STEADY = 10.0
"""Seconds after which a connection counts as good: what comes after it begins anew."""


class Backoff:
    """Doubles from try to try. Each wait is shortened by up to a half at random, so that clients that lost their server
    at one moment do not come back at one moment.
    """

    def __init__(self) -> None:
        self._next = FIRST
        self._since = float("inf")

    def connected(self) -> None:
        self._since = time.monotonic()

    def wait(self) -> float:
        """Seconds to wait now."""
        if time.monotonic() - self._since > STEADY:
            self._next = FIRST
        self._since = float("inf")
        now, self._next = self._next, min(MOST, self._next * 2)
        return now * random.uniform(0.5, 1)  # noqa: S311 - no secret
