"""What a polling session had left to say when it ended: its client's next GETs get it, as with Node's engine.io.

A client that is told nothing takes its end for a fault of the network. One that was put out would come again, and one
that hangs up has a GET on its way, which may be read behind the POST that says so.

The last packet is an answer of its own: npm's client obeys it before what came along with it.
"""

from typing import NamedTuple

from filtered_websocket.chain.clock import Clock, DelayedCall
from filtered_websocket.filters.engineio import payloads
from filtered_websocket.filters.engineio.handover import Handover
from filtered_websocket.filters.engineio.packets import NOOP_MESSAGE
from filtered_websocket.filters.engineio.payloads import Payload
from filtered_websocket.filters.engineio.polling_backlog import PollingBacklog
from filtered_websocket.filters.engineio.polling_total import Total
from filtered_websocket.messages.message import Message

LAST_SECONDS = 30.0
"""How long they are kept; Node's server waits as long for a GET."""
MAX_SESSIONS = 10_000


class _Words(NamedTuple):
    until: float
    waiting: PollingBacklog
    last: Message
    form: tuple[int, bool]


class LastWords:
    """
    :param total: all that waits in the pipeline for clients that poll, this too
    """

    def __init__(self, clock: Clock, total: Total) -> None:
        self._clock, self._total = clock, total
        # The oldest first.
        self._kept: dict[str, _Words] = {}
        self._timer: DelayedCall | None = None

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, sid: str, waiting: PollingBacklog, last: Message, form: tuple[int, bool]) -> None:
        """Keep what waits for a client whose session has ended.

        :param last: the last packet, which ends the client's side too
        :param form: the version of the protocol, and whether the client reads base64 only
        """
        self._kept[sid] = _Words(self._clock.seconds() + LAST_SECONDS, waiting, last, form)
        if len(self._kept) > MAX_SESSIONS:
            self._forget_oldest()
        self._watch()

    def take(self, sid: str) -> Payload | None:
        """The answer to a GET; None if nothing is left to be said."""
        words = self._kept.get(sid)
        if words is None:
            return None
        messages = words.waiting.take().messages
        if not messages:
            del self._kept[sid]
        return payloads.payload(messages or (words.last,), *words.form)

    def hand_over(self, sid: str) -> Handover | None:
        """The same for a WebSocket that is to take over; None if its client has hung up, or nothing is left."""
        words = self._kept.pop(sid, None)
        if words is None:
            return None
        left = words.waiting.take_all()
        return None if words.last == NOOP_MESSAGE else Handover(sid, words.form[0], left, {}, ended=True)

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
        self._kept.pop(next(iter(self._kept))).waiting.take_all()

    def _watch(self) -> None:
        if self._timer is None and self._kept:
            until = next(iter(self._kept.values())).until
            self._timer = self._clock.callLater(max(0.0, until - self._clock.seconds()), self._too_late)

    def _too_late(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        while self._kept and next(iter(self._kept.values())).until <= now:
            self._forget_oldest()
        self._watch()
