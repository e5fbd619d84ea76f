"""Which of a Redis Cluster's slots a key is in (Redis Cluster specification, "Key distribution model")."""

from binascii import crc_hqx

SLOTS = 16_384


def slot_of(key: bytes) -> int:
    """The slot of a key or of a sharded channel: that of its hash tag, where it has one."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return crc_hqx(key, 0) & 0x3FFF
