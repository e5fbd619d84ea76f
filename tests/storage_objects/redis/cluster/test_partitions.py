"""The tags of partitions, and which name is in which."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.storage_objects.redis.cluster.partitions import (
    PARTITIONS,
    SLOTS_OF,
    TAGS,
    partition_of,
    prefix_of,
    share_of,
)
from filtered_websocket.storage_objects.redis.cluster.slots import slot_of


def test_tags_are_small_numbers_and_their_slots_256_apart():
    assert len(set(TAGS)) == len(TAGS) == PARTITIONS == 64
    assert [slot // 256 for slot in SLOTS_OF] == list(range(64))
    assert max(map(int, TAGS)) <= 343
    # Names of channels and keys hang on these: they may never change.
    assert b" ".join(TAGS[:8]) == b"10 18 113 342 29 21 3 122"
    assert b" ".join(TAGS[-8:]) == b"172 62 71 79 53 143 48 40"


@given(st.binary(max_size=40))
def test_all_of_a_name_is_in_the_slot_of_its_partition_whatever_braces_it_has(name):
    partition = partition_of(name)
    prefix = prefix_of(b"fws:", partition)
    assert slot_of(prefix + b"c:" + name) == slot_of(prefix + b"h:") == SLOTS_OF[partition]


def test_names_are_spread_over_all_partitions():
    counted = Counter(partition_of(b"room %d" % number) for number in range(6400))
    assert len(counted) == PARTITIONS
    assert max(counted.values()) < 200


def test_a_partition_has_a_sixteenth_of_a_pool_and_never_none_of_what_is_limited():
    assert share_of(Pool("room", 160, 32)) == Pool("room", 10, 2)
    assert share_of(Pool("room", 0, 3)) == Pool("room", 0, 1)
