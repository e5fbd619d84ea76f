"""What real clients and publishers tell the simulator's oracle, one at a time.

They are threads, so what they tell is a little later than it was: a publication begins before it is sent, and is
confirmed after its answer has come. So the oracle asks for less order than there was, and never for more.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.simulation.oracle import Oracle
from tests.simulation.truth import Publication


class Truth:
    """
    :ivar oracle: to be used with `lock`
    :ivar confirmations: how many there were
    """

    def __init__(self) -> None:
        self.oracle = Oracle()
        self.lock = threading.RLock()
        self.confirmations = 0
        self._doubtful = self._disturbed = 0
        self._recent: deque[Publication] = deque(maxlen=1000)

    def begin(self, channel: str) -> Publication:
        """Somebody begins to publish."""
        with self.lock:
            publication = self.oracle.publish(channel)
            if self._disturbed:
                self.oracle.disturb()
        return publication

    def confirmed(self, publication: Publication, position: Any = None) -> None:
        with self.lock:
            self.confirmations += 1
            self.oracle.confirmed(publication, position)
            if self._doubtful:
                self.oracle.lost([publication])
            else:
                self._recent.append(publication)

    def disturb(self) -> None:
        """Something begins to fail."""
        with self.lock:
            self._disturbed += 1
            self.oracle.disturb()

    def settle(self) -> None:
        """It is over."""
        with self.lock:
            self._disturbed -= 1
            self.oracle.disturb()

    def doubt(self, copied: Callable[[], bool]) -> None:
        """A Redis that takes copies is about to fail: what was confirmed and is not surely copied may be lost with it.

        :param copied: waits until all that was confirmed before it is called has been copied; false if that takes long
        """
        with self.lock:
            before = list(self._recent)
            self._recent.clear()
        surely = copied()
        with self.lock:
            self._doubtful += 1
            self.oracle.lost(self._recent if surely else [*before, *self._recent])

    def trust(self) -> None:
        """What is confirmed from now on is not lost."""
        with self.lock:
            self._doubtful -= 1
