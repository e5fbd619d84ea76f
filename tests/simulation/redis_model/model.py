"""The model of Redis as storage objects meet it, and what may go wrong with it.

It has no threads and no sockets, and waits for nothing: what is written to it is done at once, and the answer comes in
the turn of the node that asked. So it does the same every time.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar

from filtered_websocket.storage_objects.redis import StorageObject
from tests.simulation.redis_model.redis import Redis
from tests.simulation.redis_model.way import Way

BEGINNING = 1_800_000_000
"""Seconds since 1970: when the clock of every model begins."""
Kind = TypeVar("Kind", bound=StorageObject)


class RedisModel:
    """
    :param seconds: gives the time, from whatever beginning
    :ivar redis: what does the commands
    :ivar ways: those of all nodes; what goes wrong for one of them alone is asked there
    :ivar is_frozen: it takes connections and what they bring, and does nothing
    """

    def __init__(self, seconds: Callable[[], float], seed: int = 0) -> None:
        self.seconds = seconds
        self._begun, self._set_on = seconds(), 0.0
        self.redis = Redis(seed, self._microseconds)
        self.ways: list[Way] = []
        self.is_frozen = False

    def way(self, reactor: Any) -> Way:
        """A new node's."""
        way = Way(self, reactor)
        self.ways.append(way)
        return way

    def storage(self, way: Way, kind: type[Kind] = StorageObject, **settings: Any) -> Kind:
        """A storage object of a node, not started.

        :param settings: options of Redis storage that are not to have their defaults
        """
        options = {option.name: option.default for option in StorageObject.OPTIONS} | settings
        return kind(SimpleNamespace(**options), way.reach)

    # What goes wrong for all.

    def go_away(self) -> None:
        for way in self.ways:
            way.go_away()

    def come_back(self) -> None:
        for way in self.ways:
            way.come_back()

    def freeze(self) -> None:
        """Nothing is done or told any more of what comes, until it thaws and does it all."""
        self.is_frozen = True

    def thaw(self) -> None:
        self.is_frozen = False
        for way in self.ways:
            for connection in list(way.connections):
                connection.read()

    def fail_over(self, lost: int | None, cut: bool = True) -> None:
        """Another Redis takes its place: one without the last writes.

        :param lost: how many; None: all, as after a restart without a disk
        :param cut: and connections to the old one end
        """
        self.redis.promote(lost)
        if cut:
            for way in self.ways:
                way.cut()

    def set_clock(self, seconds: float) -> None:
        """Redis's clock jumps by so much, forward or back."""
        self._set_on += seconds

    def _microseconds(self) -> int:
        return round((BEGINNING + self.seconds() - self._begun + self._set_on) * 1_000_000)
