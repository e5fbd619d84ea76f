"""What the histories of a pipeline, or of an app, may keep together."""

from typing import NamedTuple


class Pool(NamedTuple):
    """What the histories of several channels may take together: so names that clients invent cost what a limit says.

    Above ``bytes`` the oldest publications go first, whichever channel they are of. Above ``channels`` those histories
    go whose end by age is nearest, and of those without an end the ones that were written longest ago. 0: any number.
    A publication counts as its payload, its channel's name and `PUBLICATION_COST`. All that append to a pool of one
    ``name`` give it the same limits; with several Redises each has the whole limit.
    """

    name: str = "histories"
    bytes: int = 64 * 1024 * 1024
    channels: int = 10_000


DEFAULT_POOL = Pool()
