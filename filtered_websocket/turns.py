"""One connection's share of a reactor turn.

One read brings up to 64 KiB: thousands of small frames. Were they all handled at once, everybody else would wait for
them. So a connection handles what fits its share; the rest waits, unparsed, for the next turn, and nothing more is read
meanwhile. Nobody is refused by this, and a flood takes its turns like everybody.
"""

from time import perf_counter

from filtered_websocket.awaiting import Awaiting
from filtered_websocket.websocket import OPEN

SHARE = range(128)
"""Messages that the fast path hands to the message chain in one turn. Counted: a look at the clock for each would cost
more than some filters."""
SHARE_SECONDS = 0.002
"""Time that Autobahn's parser, whose steps differ more (a ping, a MiB to inflate), has for one connection's frames."""


class Turns(Awaiting):
    """A connection that leaves the reactor to others in time."""

    resting = False

    def parse(self, data: bytes) -> None:
        """Let Autobahn's parser have these bytes, for as long as the share lasts."""
        # On the factory: one connection is parsed at a time, and each would have to keep it.
        self.factory.turn_ends = perf_counter() + SHARE_SECONDS
        self._dataReceived(data)

    def processData(self) -> bool:
        # Autobahn's loop stops at a frame boundary while a filter is awaited; what is parsed after a close may go on.
        if self._waiting and (self.state == OPEN or self.resting):
            return False
        more = bool(super().processData())
        # Behind the step, so that there is at least one in each turn.
        if more and self.data and perf_counter() > self.factory.turn_ends and not self._waiting:
            self.rest()
            return False
        return more

    def rest(self) -> None:
        """Go on in the next turn."""
        self._waiting = self.resting = True
        self.transport.pauseProducing()
        self.factory.reactor.callLater(0, self._go_on)

    def _go_on(self) -> None:
        if self.resting:
            self.resting = False
            self._end_wait()
