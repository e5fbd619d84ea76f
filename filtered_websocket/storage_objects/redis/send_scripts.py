"""The Lua that publishes and keeps, in one step. The keys are those of `storage_object.py`."""

from typing import NamedTuple

from filtered_websocket.storage_objects.base import BRIDGES, Keep
from filtered_websocket.storage_objects.redis.command import NOW, Script
from filtered_websocket.storage_objects.redis.pool_scripts import FOR_EVER, MOST_DROPPED, POOLS
from filtered_websocket.storage_objects.values import as_bytes

# Old items stay until the next read: there are never more than count. Nothing here looks at a payload but to copy it.
# KEYS list, meta; ARGV Redis channel, body, count, milliseconds (0: for ever), name for a new epoch, pool, its bytes,
# its channels, bytes of this one, milliseconds of its meta behind that, reign, (SEND_ONCE: a name for it), prefix
# -> "epoch:offset", behind it " <publications dropped for bytes> <for channels>" if any were
_SEND = """
local channel, pool, keep = string.sub(KEYS[1], #prefix + 3), ARGV[6], tonumber(ARGV[4])
local was = redis.call('PTTL', prefix .. 'b:' .. pool)
local epoch, before, reign = unpack(redis.call('HMGET', KEYS[2], 'e', 'p', 'n'))
-- KNOWN
if not epoch then
  epoch = ARGV[5] .. '.' .. time[1] .. '.' .. time[2]
  redis.call('DEL', KEYS[1], prefix .. 'k:' .. channel)
  redis.call('HSET', KEYS[2], 'e', epoch, 'n', ARGV[11])
  leave(pool, channel)
elseif reign ~= ARGV[11] and tonumber(reign or 0) < tonumber(ARGV[11]) then
  epoch = bridge(KEYS[2], epoch, ARGV[5] .. '.' .. time[1] .. '.' .. time[2], ARGV[11])
end
local moved = 0
if before ~= pool then
  if before then
    moved = held(before, channel)
    leave(before, channel)
  end
  redis.call('HSET', KEYS[2], 'p', pool)
end
local hash = prefix .. 'b:' .. pool
local known = redis.call('HMGET', hash, 'c' .. channel, 's', 'b')
local bytes, number, total = (known[1] or 0) + moved, (known[2] or 0) + 1, tonumber(known[3] or 0)
local offset = redis.call('HINCRBY', KEYS[2], 'o', 1)
local where = epoch .. ':' .. offset
local sent = '\\255' .. where .. '\\n' .. ARGV[2]
local item = string.format('%.0f,%.0f ', keep > 0 and now + keep or 0, number) .. sent
local length = redis.call('RPUSH', KEYS[1], item)
bytes = bytes + cost(item, channel)
-- One by one, for their sizes; a rule that has become much smaller takes effect in several steps.
local popped = math.max(math.min(length - ARGV[3], MOST_DROPPED), 0)
for _ = 1, popped do bytes = bytes - cost(redis.call('LPOP', KEYS[1]), channel) end
-- Where it is alone the size is known, whatever nodes that count nothing have added or taken.
bytes = length - popped == 1 and cost(item, channel) or math.max(bytes, 0)
local most = tonumber(ARGV[9])
while most > 0 and bytes > most and popped < math.min(length, MOST_DROPPED) do
  bytes = bytes - cost(redis.call('LPOP', KEYS[1]), channel)
  popped = popped + 1
end
if popped == length then bytes = 0 end
total = total + bytes - (known[1] or 0)
redis.call('HSET', hash, 'c' .. channel, string.format('%.0f', bytes), 's', string.format('%.0f', number),
  'b', string.format('%.0f', total))
if popped > 0 or length == 1 or before ~= pool then place(pool, channel) end
if keep > 0 then
  redis.call('PEXPIRE', KEYS[1], keep)
  redis.call('PEXPIRE', KEYS[2], string.format('%.0f', keep + ARGV[10]))
else
  redis.call('PERSIST', KEYS[1])
  redis.call('PERSIST', KEYS[2])
end
local ends = string.format('%.3f', exactly + (keep > 0 and keep or FOR_EVER))
local new, limit = redis.call('ZADD', prefix .. 'x:' .. pool, ends, channel) == 1, tonumber(ARGV[7])
local channels, dropped = 0, 0
if new or number % 16 == 0 or limit > 0 and total > limit then
  settle(pool)
  channels = make_room(pool, tonumber(ARGV[8]), channel)
  dropped = drop_oldest(pool, limit)
end
live(pool, keep, tonumber(ARGV[10]), was)
-- SENT
redis.call('PUBLISH', ARGV[1], sent)
if channels + dropped > 0 then return where .. ' ' .. dropped .. ' ' .. channels end
return where
"""
_SEND = _SEND.replace("MOST_DROPPED", str(MOST_DROPPED)).replace("FOR_EVER", FOR_EVER)

# A name is known while its item is kept: `k` has the offsets of names.
_KNOWN = """
local names = prefix .. 'k:' .. channel
local kept = epoch and redis.call('ZSCORE', names, ARGV[12])
if kept then
  local item = redis.call('LINDEX', KEYS[1], kept - redis.call('HGET', KEYS[2], 'o') - 1)
  if item and not expired(item) then return epoch .. ':' .. kept end
end
"""
_SENT = """
redis.call('ZADD', names, offset, ARGV[12])
redis.call('ZREMRANGEBYSCORE', names, '-inf', offset - redis.call('LLEN', KEYS[1]))
if keep > 0 then redis.call('PEXPIRE', names, keep) else redis.call('PERSIST', names) end
"""

# The first publication of a reign begins an epoch: what the one before gave out beyond its top here, Redis has lost.
# The offsets go on, and `b` has the epochs before with their tops here, the newest first: "epoch:top epoch:top".
_BRIDGE = f"""
local function bridge(meta, epoch, new, reign)
  local top, before = unpack(redis.call('HMGET', meta, 'o', 'b'))
  local bridges = {{epoch .. ':' .. (top or 0)}}
  for each in string.gmatch(before or '', '%S+') do
    if #bridges < {BRIDGES} then bridges[#bridges + 1] = each end
  end
  redis.call('HSET', meta, 'e', new, 'n', reign, 'b', table.concat(bridges, ' '))
  return new
end
"""


class SendScripts(NamedTuple):
    """
    :ivar send: what publishes and keeps
    :ivar once: the same, but for what has a name and is kept
    """

    send: Script
    once: Script


def _publishing_by(verb: str) -> SendScripts:
    lua = _SEND.replace("'PUBLISH'", f"'{verb}'")
    return SendScripts(
        Script(NOW, POOLS, _BRIDGE, lua.replace("-- KNOWN\n", "").replace("-- SENT\n", "")),
        Script(NOW, POOLS, _BRIDGE, lua.replace("-- KNOWN\n", _KNOWN).replace("-- SENT\n", _SENT)),
    )


CLASSIC = _publishing_by("PUBLISH")
SHARDED = _publishing_by("SPUBLISH")
"""For a cluster that knows sharded channels: they are heard at the master of their slot alone."""


def keep_values(keep: Keep, node: bytes, reign: bytes, prefix: bytes) -> tuple[bytes, ...]:
    """What ``SEND`` takes after the body."""
    pool = as_bytes(keep.pool.name), b"%d" % keep.pool.bytes, b"%d" % keep.pool.channels
    ages = b"%d" % (keep.seconds * 1000), b"%d" % (keep.meta_seconds * 1000)
    return b"%d" % keep.count, ages[0], node, *pool, b"%d" % keep.bytes, ages[1], reign, prefix
