"""What is published to each channel, counted for as long as somebody asks.

The hub counts its publications in all. For those of each channel another function stands in the place of its `publish`
while somebody looks: where nobody does, not one instruction more is run.
"""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from filtered_websocket.chain.clock import Clock, DelayedCall
from filtered_websocket.messages.message import Message
from filtered_websocket.pipeline.hub import Hub

IDLE_SECONDS = 30.0
"""How long nobody need ask before it ends."""
MAX_CHANNELS = 10_000
"""Channels that are told apart; what is published to others is not counted."""
WINDOW = 10.0
"""Seconds that a rate is of, at most twice."""


class Rate(NamedTuple):
    """Of one channel, per second."""

    publications: float
    bytes: float


class _Counted:
    __slots__ = ("bytes", "publications")

    def __init__(self) -> None:
        self.publications = self.bytes = 0


class ChannelMeter:
    """
    :param hub: whose publications are counted from now on
    """

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub: Any = hub
        self._clock = clock
        self._publish = hub.publish
        self._now: dict[str, _Counted] = {}
        self._before: dict[str, _Counted] = {}
        self._began = self._former = clock.seconds()
        self._end: DelayedCall | None = None

    @property
    def seconds(self) -> float:
        """How long it has counted what its rates are of."""
        return self._clock.seconds() - self._former

    @property
    def runs(self) -> bool:
        return self._end is not None

    def look(self) -> None:
        """Count from now on, or go on."""
        if self._end is None:
            self._began = self._former = self._clock.seconds()
            self._hub.publish = self._counting
            self._end = self._clock.callLater(IDLE_SECONDS, self.stop)
        else:
            self._end.reset(IDLE_SECONDS)
        if self._clock.seconds() - self._began >= WINDOW:
            self._before, self._now = self._now, {}
            self._former, self._began = self._began, self._clock.seconds()

    def stop(self) -> None:
        """Nobody looks."""
        end, self._end = self._end, None
        if end is not None:
            if end.active():
                end.cancel()
            del self._hub.publish
            self._now, self._before = {}, {}

    def _counting(
        self, name: str, messages: Sequence[Message], exclude: Collection[str] = (), kept: Any = None
    ) -> None:
        # What is published while something is delivered comes here once more when it is.
        if not self._hub.is_delivering and messages:
            counted = self._now.get(name)
            if counted is None and len(self._now) < MAX_CHANNELS:
                counted = self._now[name] = _Counted()
            if counted is not None:
                counted.publications += 1
                counted.bytes += sum([len(payload) for payload, _ in messages])
        self._publish(name, messages, exclude, kept)

    def rates(self) -> dict[str, Rate]:
        """Of the channels that something was published to."""
        seconds = max(self.seconds, 0.001)
        found = {}
        for name in {*self._before, *self._now}:
            both = [each[name] for each in (self._before, self._now) if name in each]
            found[name] = Rate(
                sum(each.publications for each in both) / seconds, sum(each.bytes for each in both) / seconds
            )
        return found
