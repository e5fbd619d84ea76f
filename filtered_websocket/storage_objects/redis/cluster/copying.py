"""What one Redis keeps, copied to a Redis Cluster: sets, maps, records, and histories with where they stand.

What nodes hold is not copied: those that start claim it. What histories take together is counted anew, as on a cluster
each partition counts its own.
"""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from filtered_websocket.storage_objects.redis.blocking import BlockingConnection
from filtered_websocket.storage_objects.redis.cluster.blocking import Masters
from filtered_websocket.storage_objects.redis.cluster.partitions import SLOTS_OF, partition_of, prefix_of
from filtered_websocket.storage_objects.redis.command import NOW, Script
from filtered_websocket.storage_objects.redis.home import FORMAT
from filtered_websocket.storage_objects.redis.pool_scripts import ENDED, FOR_EVER, POOLS
from filtered_websocket.storage_objects.redis.refusals import Refused

KINDS = {b"s": "sets", b"m": "maps", b"r": "records", b"h": "histories", b"k": "names", b"e": "positions"}
"""What is copied, by the letter in front of its name; a history's position comes last of what it has."""
PART = b"1000"

# KEYS list, meta, guard; ARGV prefix -> nothing. The channel is counted in its pool, and its next publication begins an
# epoch, in whichever reign: what else the source gives out after this is not known here.
COUNT_IN = Script(
    NOW,
    POOLS,
    f"""
redis.call('HSET', KEYS[2], 'n', '0')
local channel, pool = string.sub(KEYS[1], #prefix + 3), redis.call('HGET', KEYS[2], 'p')
if not pool then return end
local was, left = redis.call('PTTL', prefix .. 'b:' .. pool), redis.call('PTTL', KEYS[1])
local bytes, newest = 0, 0
for _, item in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  bytes = bytes + cost(item, channel)
  newest = math.max(newest, tonumber(string.match(item, '^%d+,(%d+)') or 0))
end
account(pool, channel, bytes)
local hash = prefix .. 'b:' .. pool
redis.call('HSET', hash, 's', string.format('%.0f', math.max(newest, tonumber(redis.call('HGET', hash, 's') or 0))))
place(pool, channel)
local ends = left == -2 and now - {ENDED} or now + (left == -1 and {FOR_EVER} or left)
redis.call('ZADD', prefix .. 'x:' .. pool, string.format('%.0f', ends), channel)
live(pool, math.max(left, 0), math.max(redis.call('PTTL', KEYS[2]) - math.max(left, 0), 0), was)
""",
)


class Uncopied(Exception):  # noqa: N818 - what happened
    """It was not copied, or not all of it; the text says why."""


def copy(source: BlockingConnection, target: Masters, prefix: bytes, replace: bool = False) -> Counter[str]:
    """How much of each kind was copied.

    :param prefix: of all keys in both, with its colon
    :param replace: what is in the target already
    :raises Uncopied: servers still run, or it is in the target already
    :raises StorageAway: one of them is away, or has refused something
    """
    _check(source, prefix)
    for partition, slot in enumerate(SLOTS_OF):
        if running := target.at(slot, partial(_running, prefix=prefix_of(prefix, partition))):
            raise Uncopied(f"{running} servers of the cluster run, or did just now: stop them: they would not notice")
    copied: Counter[str] = Counter()
    for letter, kind in KINDS.items():
        for key in _keys(source, prefix + letter + b":"):
            if _copy_key(source, target, prefix, key, replace):
                copied[kind] += 1
    _check(source, prefix)
    return copied


def _check(source: BlockingConnection, prefix: bytes) -> None:
    format_ = source.ask(b"HGET", prefix + b"about", b"format")
    if format_ not in (None, b"%d" % FORMAT):
        raise Uncopied(f"its data are of format {format_.decode(errors='replace')}, and this version knows {FORMAT}")
    if running := _running(source, prefix):
        raise Uncopied(f"{running} of its servers still run, or did just now: stop them, so that nothing is left out")


def _running(connection: BlockingConnection, prefix: bytes) -> int:
    """How many servers hold a lease."""
    seconds, micros = connection.ask(b"TIME")
    now = int(seconds) * 1000 + int(micros) // 1000
    return int(connection.ask(b"ZCOUNT", prefix + b"nodes", b"(%d" % now, b"+inf"))


def _keys(source: BlockingConnection, start: bytes) -> Iterator[bytes]:
    """Each once, though SCAN may name one twice."""
    pattern = b"".join(b"\\" + bytes((byte,)) if byte in b"*?[]\\" else bytes((byte,)) for byte in start) + b"*"
    found: set[bytes] = set()
    cursor = b"0"
    while True:
        cursor, keys = source.ask(b"SCAN", cursor, b"MATCH", pattern, b"COUNT", PART)
        for key in keys:
            if key not in found:
                found.add(key)
                yield key
        if cursor == b"0":
            return


def _copy_key(source: BlockingConnection, target: Masters, prefix: bytes, key: bytes, replace: bool) -> bool:
    data, left = source.ask(b"DUMP", key), source.ask(b"PTTL", key)
    if data is None or left == -2:
        return False  # it has just ended
    letter, _, name = key[len(prefix) :].partition(b":")
    partition = partition_of(name)
    there, slot = prefix_of(prefix, partition), SLOTS_OF[partition]
    copy_of = there + letter + b":" + name
    parts = b"RESTORE", copy_of, b"0" if left == -1 else b"%d" % max(left, 1), data, *((b"REPLACE",) if replace else ())
    try:
        target.at(slot, lambda connection: connection.ask(*parts))
    except Refused as refused:
        if not refused.said.startswith("BUSYKEY"):
            raise
        raise Uncopied(f"{copy_of.decode(errors='replace')} is there already: --replace replaces what is") from None
    if letter == b"e":
        keys = there + b"h:" + name, copy_of, there + b"beat"
        target.at(slot, lambda connection: connection.ask(b"EVAL", COUNT_IN.source, b"3", *keys, there))
    return True
