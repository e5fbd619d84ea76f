"""The partitions: what has to be in one slot is in one partition, and each has a slot of its own.

They are 64, whatever the cluster is like: names hang on it. Their slots lie 256 apart, so that masters with equal
shares of the slots have equal shares of the partitions.
"""

from binascii import crc_hqx
from itertools import count

from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.storage_objects.redis.cluster.slots import SLOTS, slot_of

PARTITIONS = 64
_WIDTH = SLOTS // PARTITIONS
POOL_SHARE = 16
"""A partition may have this part of a pool's limits. Names are not spread evenly over the partitions, and nothing can
count over several: so one may have four times its even share, and the whole cluster four times the limits."""


def _find_tags() -> tuple[bytes, ...]:
    """For each partition the smallest number whose slot is one of its 256."""
    found: dict[int, bytes] = {}
    for number in count():
        tag = b"%d" % number
        found.setdefault(slot_of(tag) // _WIDTH, tag)
        if len(found) == PARTITIONS:
            return tuple(found[partition] for partition in range(PARTITIONS))
    raise AssertionError


TAGS = _find_tags()
"""The hash tag of each partition."""
SLOTS_OF = tuple(map(slot_of, TAGS))
"""The slot of each partition."""


def partition_of(name: bytes) -> int:
    """The partition of a channel or key by its name: all of it, without a prefix, and whatever braces it has."""
    return (crc_hqx(name, 0) & 0x3FFF) >> 8


def prefix_of(prefix: bytes, partition: int) -> bytes:
    """What the keys and channels of a partition begin with.

    :param prefix: of all keys, with its colon
    """
    return b"%b{%b}:" % (prefix, TAGS[partition])


def share_of(pool: Pool) -> Pool:
    """What of a pool's limits one partition may have."""
    return Pool(pool.name, *(limit and max(limit // POOL_SHARE, 1) for limit in (pool.bytes, pool.channels)))
