"""Whose the data of a Redis are: their format, and the reign in which they are written.

A reign is the time between two moments at which writes may have been lost or put back: a replica is promoted, Redis
starts with what it had on disk. Redis tells by its replication id, which every one of these changes. `about` has the
last id and its reign's number, which only rises: by its order, histories know what was written before.

    about    hash    format: of keys, scripts and envelopes; home: the replication id; reign: its number
"""

import re
from typing import Any

from filtered_websocket.errors import ConfigError
from filtered_websocket.storage_objects.redis.command import NOW, Script

FORMAT = 1
"""Of everything that is in Redis and on its channels. What was written before there was a number is of this one too."""

READ_ONLY = "READONLY You can't write"
"""What a replica says; within a script, some versions of Redis put other words before it."""

# KEYS about; ARGV format, replication id ('': unknown) -> {format, reign}
GREET = Script(
    NOW,
    """
local format, home, reign = unpack(redis.call('HMGET', KEYS[1], 'format', 'home', 'reign'))
if not format then redis.call('HSET', KEYS[1], 'format', ARGV[1]) end
if format and format ~= ARGV[1] then return {format, '0'} end
if home ~= ARGV[2] and ARGV[2] ~= '' then
  -- By the clock, so that it rises where this key was lost.
  reign = string.format('%.0f', math.max((reign or 0) + 1, time[1] * 1000000 + time[2]))
  redis.call('HSET', KEYS[1], 'home', ARGV[2], 'reign', reign)
end
return {ARGV[1], reign or '0'}
""",
)


def greeting(prefix: bytes, home: bytes) -> bytes:
    """The request that says what is ours and asks for the reign.

    :param prefix: of all keys
    :param home: the replication id
    """
    return GREET.request((prefix + b"about",), (b"%d" % FORMAT, home))


def home_of(info: bytes) -> bytes:
    """The replication id in what INFO replication says, empty where it says none."""
    found = re.search(rb"^master_replid:(\w+)", info, re.MULTILINE)
    return found[1] if found else b""


def count_of_masters(slots: list[Any]) -> int:
    """How many masters share the data, by what CLUSTER SLOTS says: by their ids, since those that do not say where they
    are may all have one port."""
    return len({master[2] if len(master) > 2 else tuple(master) for _, _, master, *_ in slots})


def reign_of(reply: list[bytes], prefix: bytes, address: str) -> bytes:
    """The reign's number, 0 for an unknown one.

    :raises ConfigError: the data are of another format
    """
    format_, reign = reply
    if format_ != b"%d" % FORMAT:
        raise ConfigError(
            f"the Redis at {address} has data of format {format_.decode(errors='replace')} under the redis_key"
            f" {prefix[:-1].decode(errors='replace')!r}, and this version knows format {FORMAT}: use another redis_key,"
            " or the version that wrote them"
        )
    return reign
