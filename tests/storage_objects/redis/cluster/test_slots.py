"""Slots of keys, by what the specification says of them."""

from binascii import crc_hqx

import pytest

from filtered_websocket.storage_objects.redis.cluster.slots import slot_of


@pytest.mark.parametrize(
    ("key", "slot"),
    [
        (b"123456789", 0x31C3),  # the specification's own example of the checksum
        (b"foo", 12182),
        (b"{user1000}.following", 3443),
        (b"{user1000}.followers", 3443),
        (b"", 0),
    ],
)
def test_a_key_is_in_the_slot_that_the_specification_says(key, slot):
    assert slot_of(key) == slot


def test_the_first_braces_are_the_tag_if_there_is_something_in_them():
    assert slot_of(b"foo{{bar}}zap") == slot_of(b"{bar")
    assert slot_of(b"foo{bar}{zap}") == slot_of(b"bar")
    for whole in (b"foo{}{bar}", b"foo{bar", b"foo}bar{"):
        assert slot_of(whole) == crc_hqx(whole, 0) & 16383
