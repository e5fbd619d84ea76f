"""Rates: so much per second, and somewhat more at once after a rest (a token bucket)."""


class Bucket:
    """A stock that fills by itself and may be overdrawn once.

    :param rate: what comes in per second
    :param burst: the most that is saved up
    :param now: seconds of any clock, always the same
    """

    __slots__ = ("_burst", "_level", "_then", "rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate, self._burst = rate, burst
        self._level, self._then = burst, now

    def _fill(self, now: float) -> float:
        # A clock that was set back takes nothing away: what is owed is what was spent, never more.
        self._level = min(self._burst, self._level + max(0.0, now - self._then) * self.rate)
        self._then = now
        return self._level

    def is_full(self, now: float) -> bool:
        """Whether as much is saved up as can be."""
        return self._fill(now) >= self._burst

    def take(self, now: float) -> bool:
        """Take one if there is one."""
        if self._fill(now) < 1:
            return False
        self._level -= 1
        return True

    def spend(self, amount: float, now: float) -> bool:
        """Take so much, whether it is there or not; whether it was."""
        self._level = self._fill(now) - amount
        return self._level >= 0

    def debt(self, now: float) -> float:
        """Seconds until nothing is owed any more; 0 if nothing is."""
        return max(0.0, -self._fill(now) / self.rate)
