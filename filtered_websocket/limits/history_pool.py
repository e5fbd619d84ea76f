"""What the histories of several channels may keep together."""

from typing import NamedTuple


class Pool(NamedTuple):
    """The limits of all channels of a pipeline, or of an app: so names that clients invent cost what a limit says.

    A publication counts as its payload, its channel's name and `PUBLICATION_COST`. Everything that appends to a pool
    of one name gives it the same limits. With several Redises each has the whole limit.

    :ivar bytes: above this the oldest publications are dropped first, whichever channel they are of; 0: any number
    :ivar channels: above this whole histories are dropped: first those that end soonest by age, then, of those without
        an end, the ones that were written longest ago; 0: any number
    """

    name: str = "histories"
    bytes: int = 64 * 1024 * 1024
    channels: int = 10_000


DEFAULT_POOL = Pool()
