"""Visitors in threads of their own, who make one visit after another until it is over."""

import threading
import traceback
from collections import Counter
from random import Random

from tests.soak.place import Counts, Place
from tests.soak.visits import VISITS
from tests.support.fws_server import FwsServer

VISITORS = 10
"""At one server at one time."""
PAUSE = 0.8
"""Seconds that a visitor rests between two visits, in the middle."""
MOST = 20
"""How many failures are shown whole."""


class Load:
    """
    :ivar made: visits that were made, by their name
    :ivar failures: of visits that failed, the first ones
    """

    def __init__(self, server: FwsServer, seed: int) -> None:
        self.counts = Counts()
        self.made: Counter[str] = Counter()
        self.failures: list[str] = []
        self._server = server
        self._ending, self._lock = threading.Event(), threading.Lock()
        self._visitors = [
            threading.Thread(target=self._visit, args=(Random(f"{seed} {number}"),), daemon=True)
            for number in range(VISITORS)
        ]

    def once(self, seed: int) -> None:
        """Make each visit once: what a server has from then on, it has for good."""
        for visit in VISITS:
            with Place(self._server, Random(seed), self.counts, lambda seconds: False) as place:
                visit(place)

    def begin(self) -> None:
        for visitor in self._visitors:
            visitor.start()

    def end(self, deadline: float = 120.0) -> None:
        """Begin no more visits, and wait for those that are being made."""
        self._ending.set()
        for visitor in self._visitors:
            visitor.join(deadline)
            assert not visitor.is_alive(), "a visit does not end"

    def _visit(self, random: Random) -> None:
        while not self._ending.wait(random.uniform(0, 2 * PAUSE)):
            visit = random.choice(VISITS)
            try:
                with Place(self._server, random, self.counts, self._ending.wait) as place:
                    visit(place)
            except Exception:
                with self._lock:
                    if len(self.failures) < MOST:
                        self.failures.append(f"{visit.__name__}: {traceback.format_exc()}")
            with self._lock:
                self.made[visit.__name__] += 1
