"""How many messages and bytes per second a session that polls may send: ``message_rate``, ``byte_rate``, ``over_rate``.

As of a connection: what was saved may come at once, then the client is slowed down, by an answer to its POST that comes
later, or ended.
"""

from typing import Any

from filtered_websocket.limits.rates import Bucket

BURST_SECONDS = 5
"""So many seconds' worth may come at once, as on a WebSocket."""


class Pace:
    """
    :param options: of the session's pipeline
    :param now: seconds of the clock that `spend` is told
    """

    def __init__(self, options: Any, now: float) -> None:
        rates = {"message_rate": options.message_rate, "byte_rate": options.byte_rate}
        self._buckets = {name: Bucket(rate, rate * BURST_SECONDS, now) for name, rate in rates.items() if rate}
        self.closes: bool = options.over_rate == "close"

    def spend(self, size: int, now: float) -> tuple[str, float]:
        """Count a message of so many bytes.

        :returns: the option that it exceeds and the seconds until it does not, ``("", 0)`` for none
        """
        worst = ("", 0.0)
        for name, bucket in self._buckets.items():
            if not bucket.spend(1 if name == "message_rate" else size, now):
                worst = max(worst, (name, bucket.debt(now)), key=lambda each: each[1])
        return worst
