"""Which master has which slots, as one node of the cluster sees it."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

from filtered_websocket.storage_objects.redis.cluster.redirects import Place
from filtered_websocket.storage_objects.redis.cluster.slots import SLOTS
from filtered_websocket.storage_objects.redis.command import command

CLUSTER_SLOTS = command(b"CLUSTER", b"SLOTS")
NO_CLUSTER = "cluster support disabled"
"""What the error says with which a single server answers that."""
_NO_NAME = "?"
"""Of a node without a name, in a cluster that gives names in place of addresses."""


class Topology:
    """
    :param ranges: first slot, last slot, master
    :ivar ids: of all that it names; empty where a single server stands for a cluster
    """

    def __init__(self, ranges: Sequence[tuple[int, int, Place]], ids: Iterable[bytes] = ()) -> None:
        self.ids = frozenset(ids)
        self._ranges = sorted(ranges)
        self._firsts = [first for first, _, _ in self._ranges]

    @classmethod
    def read(cls, reply: list[Any], asked: Place) -> "Topology":
        """What a node answers to `CLUSTER_SLOTS`.

        :param asked: where that node is, which is meant where it gives no host
        """
        ids = [node[2] for _, _, *nodes in reply for node in nodes if len(node) > 2]
        return cls([(first, last, _place(master, asked)) for first, last, master, *_ in reply], ids)

    def is_of_another(self, other: "Topology") -> bool:
        """Whether no server that one of them names is named by the other."""
        return bool(self.ids and other.ids and not self.ids & other.ids)

    @classmethod
    def single(cls, place: Place) -> "Topology":
        """A server that is no cluster, or stands for a whole one, has all slots."""
        return cls([(0, SLOTS - 1, place)])

    @property
    def masters(self) -> set[Place]:
        """Those that have slots."""
        return {place for _, _, place in self._ranges}

    def home(self, slot: int) -> Place | None:
        """The master of a slot; None if nobody has it."""
        index = bisect_right(self._firsts, slot) - 1
        if index < 0:
            return None
        _, last, place = self._ranges[index]
        return place if slot <= last else None


def _place(node: list[Any], asked: Place) -> Place:
    host = (node[0] or b"").decode()
    if host == _NO_NAME:
        # Since Redis 7 what else is known of it follows: "ip", and its address.
        more = node[3] if len(node) > 3 else []
        known = dict(zip(more[::2], more[1::2], strict=False))
        host = known.get(b"ip", b"").decode()
    return Place(host or asked.host, int(node[1]))
