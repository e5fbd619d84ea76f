"""What a cluster answers instead of doing what was asked: each of these says that nothing was done."""

from enum import Enum
from typing import NamedTuple


class Place(NamedTuple):
    """Where a node can be reached. An empty host is the one that was asked."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Kind(Enum):
    MOVED = "MOVED"
    """The slot is another node's."""
    ASK = "ASK"
    """The slot is being moved, and what was asked for is not here any more, or not yet."""
    WAIT = "WAIT"
    """It cannot be done now, by anybody."""


class Redirect(NamedTuple):
    """``slot`` and ``place`` are those that it names, None with ``WAIT``."""

    kind: Kind
    slot: int | None = None
    place: Place | None = None


_WAITS = ("TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN")


def redirect_of(error: str) -> Redirect | None:
    """What an error reply says, None if it is no such answer.

    :param error: its text
    """
    word, _, rest = error.partition(" ")
    if word in _WAITS:
        return Redirect(Kind.WAIT)
    if word not in (Kind.MOVED.value, Kind.ASK.value):
        return None
    slot, _, place = rest.partition(" ")
    host, _, port = place.rpartition(":")
    try:
        return Redirect(Kind(word), int(slot), Place(host.strip("[]"), int(port)))
    except ValueError:
        return None
