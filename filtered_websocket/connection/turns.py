"""One connection's share of a reactor turn.

One read brings up to 64 KiB: thousands of small frames. Were they all handled at once, everybody else would wait for
them. So a connection handles what fits its share; the rest waits, unparsed, for a later turn, and nothing more is read
meanwhile. All who wait so have one share between them in each turn, in which they take turns: a flood of many
connections costs others no more than that of one. Nobody is refused by this.
"""

from time import perf_counter

from twisted.logger import Logger

from filtered_websocket.connection.autobahn import OPEN
from filtered_websocket.connection.pausing import Awaiting
from filtered_websocket.limits.fair_share import SHARE_SECONDS

_log = Logger()


class Turns(Awaiting):
    """A connection that leaves the reactor to others in time."""

    def parse(self, data: bytes) -> None:
        """Let Autobahn's parser have these bytes, for as long as the share lasts."""
        # On the factory: one connection is parsed at a time, and each would have to keep it.
        self.factory.turn_ends = perf_counter() + SHARE_SECONDS
        self._dataReceived(data)
        if self._waiting and self.data:
            self.look_ahead()

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
        """Go on in a later turn."""
        self._waiting = self.resting = True
        self.pause()
        self.factory.rests.add(self)

    def go_on(self) -> None:
        """Handle what waits, or a part of it again."""
        if not self.resting:
            return
        self.resting = False
        try:
            self._end_wait()
        except Exception:
            # As the reactor does with who raises while it reads.
            _log.failure("a connection has failed")
            self.abortConnection()
