"""What a polling session had left to say when it ended: its client's next GETs get it, as with Node's engine.io.

A client that is told nothing takes its end for a fault of the network. One that was put out would come again, and one
that hangs up has a GET on its way, which may be read behind the POST that says so.
"""

from filtered_websocket.chain.interfaces import Clock, DelayedCall
from filtered_websocket.filters.engineio import packets, payloads
from filtered_websocket.filters.engineio.payloads import Payload
from filtered_websocket.filters.engineio.polling_backlog import PollingBacklog
from filtered_websocket.filters.engineio.polling_total import Total

LAST_SECONDS = 30.0
"""How long they are kept; Node's server waits as long for a GET."""
MAX_SESSIONS = 10_000


class LastWords:
    """
    :param total: all that waits in the pipeline for clients that poll, this too
    """

    def __init__(self, clock: Clock, total: Total) -> None:
        self._clock, self._total = clock, total
        # The oldest first.
        self._kept: dict[str, tuple[float, PollingBacklog, int, bool]] = {}
        self._timer: DelayedCall | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, sid: str, waiting: PollingBacklog, protocol: int, base64_only: bool) -> None:
        """Keep what waits for a client whose session has ended.

        :param waiting: nothing if only a GET is to be answered
        """
        self._kept[sid] = self._clock.seconds() + LAST_SECONDS, waiting, protocol, base64_only
        if len(self._kept) > MAX_SESSIONS:
            self._forget_oldest()
        self._watch()

    def take(self, sid: str) -> Payload | None:
        """The answer to a GET; None if nothing is left to be said."""
        if sid not in self._kept:
            return None
        _, waiting, protocol, base64_only = self._kept[sid]
        messages = waiting.take().messages or (packets.NOOP_MESSAGE,)
        if not waiting:
            del self._kept[sid]
        return payloads.payload(messages, protocol, base64_only)

    def make_room(self) -> None:
        """Forget the oldest until all that waits is within its limit."""
        while self._kept and not self._total.has_room:
            self._forget_oldest()

    def stop(self) -> None:
        """Nobody will ask any more."""
        while self._kept:
            self._forget_oldest()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _forget_oldest(self) -> None:
        _, waiting, _, _ = self._kept.pop(next(iter(self._kept)))
        waiting.take_all()

    def _watch(self) -> None:
        if self._timer is None and self._kept:
            until, *_ = next(iter(self._kept.values()))
            self._timer = self._clock.callLater(max(0.0, until - self._clock.seconds()), self._too_late)

    def _too_late(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        while self._kept and next(iter(self._kept.values()))[0] <= now:
            self._forget_oldest()
        self._watch()
