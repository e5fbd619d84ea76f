"""How many messages and bytes per second one client may send: ``message_rate``, ``byte_rate``, ``over_rate``.

Messages are counted when they are complete, bytes as they come: on a WebSocket with frame headers, control frames and
fragments, in a session that polls as the payloads of its POSTs, of Centrifugo's clients on streams as the frames in
their requests. What was saved may come at once. A client that sends more is slowed down or ended, by ``over_rate``:

``wait``
    nothing more of the client is read until the debt is paid. Nothing is lost, TCP slows it down, and the clock of its
    pings stands. A POST of a session that polls is answered later; the commands of Centrifugo's requests wait.
``close``
    the client is closed, with 1008 on a WebSocket; the message that was too much is not handled.
"""

from typing import Any

from filtered_websocket.limits.rates import Bucket

BURST_SECONDS = 5
"""So many seconds' worth may come at once."""


class Pace:
    """One client's rates.

    :param options: of its pipeline
    :param now: seconds of the clock that the methods are told
    """

    __slots__ = ("_bytes", "_messages", "closes")

    def __init__(self, options: Any, now: float) -> None:
        self._messages, self._bytes = (
            Bucket(rate, rate * BURST_SECONDS, now) if rate else None
            for rate in (options.message_rate, options.byte_rate)
        )
        self.closes: bool = options.over_rate == "close"

    @classmethod
    def of(cls, options: Any, now: float) -> "Pace | None":
        """A client's, None where no rate is set."""
        return cls(options, now) if options.message_rate or options.byte_rate else None

    def admits_message(self, now: float) -> bool:
        """Count a message; whether it is within ``message_rate``."""
        return self._messages is None or self._messages.spend(1, now)

    def admits_bytes(self, size: int, now: float) -> bool:
        """Count bytes; whether they are within ``byte_rate``."""
        return self._bytes is None or self._bytes.spend(size, now)

    def debt(self, now: float) -> float:
        """Seconds until the client is within its rates again, 0 if it is."""
        return max((each.debt(now) for each in (self._messages, self._bytes) if each is not None), default=0.0)

    def spend(self, size: int, now: float) -> tuple[str, float]:
        """Count a message and its bytes.

        :returns: the option that is exceeded most and the seconds until it is not, ``("", 0)`` for none
        """
        worst = ("", 0.0)
        if self._messages is not None and not self._messages.spend(1, now):
            worst = ("message_rate", self._messages.debt(now))
        if self._bytes is not None and not self._bytes.spend(size, now) and self._bytes.debt(now) > worst[1]:
            worst = ("byte_rate", self._bytes.debt(now))
        return worst
