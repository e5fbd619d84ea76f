"""What a replica has of the model: all that was written but for the last. It is found by doing the writes again."""

from typing import NamedTuple

from tests.simulation.redis_model.keyspace import Keyspace

KEPT = 1000
"""So many writes can be lost."""


class Write(NamedTuple):
    """
    :ivar at: when it was done, in microseconds since 1970
    :ivar parts: of the command
    """

    at: int
    parts: list[bytes]


class Replication:
    """
    :param keys: those of now
    :ivar count: of all writes
    """

    def __init__(self, keys: Keyspace) -> None:
        self.count = 0
        self.begin(keys)

    def begin(self, keys: Keyspace) -> None:
        """What was written before is not lost any more."""
        self._steps = [(keys.copy(), list[Write]())]

    def add(self, write: Write, keys: Keyspace) -> None:
        """
        :param keys: those of now, in which it is done
        """
        self.count += 1
        self._steps[-1][1].append(write)
        if len(self._steps[-1][1]) == KEPT:
            self._steps = [self._steps[-1], (keys.copy(), [])]

    def without(self, lost: int) -> tuple[Keyspace, list[Write]]:
        """Earlier keys, and what is to be done in them again so that the last writes alone are missing."""
        writes = [write for _, written in self._steps for write in written]
        return self._steps[0][0], writes[: max(len(writes) - lost, 0)]
