"""The Lua that reads histories and begins them. The keys are those of `storage_object.py`."""

from filtered_websocket.storage_objects.base import EPOCH_SECONDS
from filtered_websocket.storage_objects.redis.command import NOW, Script
from filtered_websocket.storage_objects.redis.pool_scripts import ENDED, POOLS

# An item of history is "<expires>,<number in its pool> <envelope>"; expires is 0 for never. Before there were pools it
# had no number. Old ones leave at the head.
_TRIM = """
local function trim(list, meta)
  local bytes, channel = 0, string.sub(list, #prefix + 3)
  while true do
    local head = redis.call('LINDEX', list, 0)
    if not head or not expired(head) then break end
    redis.call('LPOP', list)
    bytes = bytes + cost(head, channel)
  end
  local pool = bytes > 0 and redis.call('HGET', meta, 'p')
  if pool then
    account(pool, channel, held(pool, channel) - bytes)
    place(pool, channel)
  end
end
local function envelope(item) return string.sub(item, string.find(item, ' ', 1, true) + 1) end
"""

# What came after a position: ARGV 1 and 2, reign 4. How many, nil where nothing is known of it.
_MISSED = """
local epoch, o, n, bridges = unpack(redis.call('HMGET', KEYS[2], 'e', 'o', 'n', 'b'))
local function missed_since(top)
  local from = tonumber(ARGV[2])
  if epoch == ARGV[1] then
    -- Beyond what is here, Redis has lost it: this reader misses nothing.
    if tonumber(n or 0) < tonumber(ARGV[#ARGV - 1]) then from = math.min(from, top) end
    return top - from
  end
  for old, there in string.gmatch(bridges or '', '(%S+):(%d+)') do
    if old == ARGV[1] then return top - math.min(from, tonumber(there)) end
  end
end
"""

# KEYS list, meta; ARGV epoch, offset, most envelopes (0: any number), reign, prefix
# -> {epoch, the envelopes after it...}, or nil
SINCE = Script(
    NOW,
    POOLS,
    _TRIM,
    _MISSED,
    """
if not epoch then return false end
trim(KEYS[1], KEYS[2])
local missed = missed_since(tonumber(o or 0))
if not missed or missed < 0 or missed > redis.call('LLEN', KEYS[1]) then return false end
local found, last = {epoch}, -1
if tonumber(ARGV[3]) > 0 then last = math.min(ARGV[3] - missed - 1, -1) end
if missed > 0 then
  for _, item in ipairs(redis.call('LRANGE', KEYS[1], -missed, last)) do found[#found + 1] = envelope(item) end
end
return found
""",
)

# For a node that was away. KEYS list, meta; ARGV epoch ('': none when it subscribed), offset, reign, prefix
# -> {1 if nothing is missing, epoch ('': there is no history), newest offset, what there is of it...}
RECOVER = Script(
    NOW,
    POOLS,
    _TRIM,
    _MISSED,
    """
if not epoch then return {0, '', 0} end
trim(KEYS[1], KEYS[2])
local top, kept = tonumber(o or 0), redis.call('LLEN', KEYS[1])
local missed = missed_since(top)
if missed and missed < 0 then
  -- Data were put back behind our backs: from now on the same positions would name other publications.
  local pool, channel = redis.call('HGET', KEYS[2], 'p'), string.sub(KEYS[1], #prefix + 3)
  if pool then leave(pool, channel) end
  redis.call('DEL', KEYS[1], KEYS[2], prefix .. 'k:' .. channel)
  return {0, '', 0}
end
local found = {missed and missed <= kept and 1 or 0, epoch, top}
missed = missed or top
if missed > 0 then
  for _, item in ipairs(redis.call('LRANGE', KEYS[1], -missed, -1)) do found[#found + 1] = envelope(item) end
end
return found
""",
)

# KEYS list, meta; ARGV skip, count, prefix -> {epoch, envelopes, oldest first...}
LATEST = Script(
    NOW,
    POOLS,
    _TRIM,
    """
trim(KEYS[1], KEYS[2])
local found = {redis.call('HGET', KEYS[2], 'e') or ''}
for _, item in ipairs(redis.call('LRANGE', KEYS[1], -(ARGV[1] + ARGV[2]), -(ARGV[1] + 1))) do
  found[#found + 1] = envelope(item)
end
return found
""",
)

# KEYS meta; ARGV name for a new epoch, pool, its channels, reign, prefix -> "epoch:offset", and behind it as `SEND`
POSITION = Script(
    NOW,
    POOLS,
    f"""
local meta = redis.call('HMGET', KEYS[1], 'e', 'o')
local lost = 0
if not meta[1] then
  local channel, pool = string.sub(KEYS[1], #prefix + 3), ARGV[2]
  local was = redis.call('PTTL', prefix .. 'b:' .. pool)
  meta[1] = ARGV[1] .. '.' .. time[1] .. '.' .. time[2]
  redis.call('DEL', prefix .. 'h:' .. channel, prefix .. 'k:' .. channel)
  redis.call('HSET', KEYS[1], 'e', meta[1], 'o', 0, 'p', pool, 'n', ARGV[4])
  redis.call('PEXPIRE', KEYS[1], {int(EPOCH_SECONDS * 1000)})
  account(pool, channel, 0)
  redis.call('ZADD', prefix .. 'x:' .. pool, string.format('%.3f', exactly - {ENDED}), channel)
  settle(pool)
  lost = make_room(pool, tonumber(ARGV[3]), channel)
  live(pool, 1, {int(EPOCH_SECONDS * 1000)}, was)
end
local where = meta[1] .. ':' .. (meta[2] or 0)
return lost > 0 and where .. ' 0 ' .. lost or where
""",
)

# KEYS list, meta; ARGV prefix -> how many there were
CLEAR = Script(
    NOW,
    POOLS,
    _TRIM,
    """
trim(KEYS[1], KEYS[2])
local channel, kept = string.sub(KEYS[1], #prefix + 3), redis.call('LLEN', KEYS[1])
redis.call('DEL', KEYS[1], prefix .. 'k:' .. channel)
local pool = redis.call('HGET', KEYS[2], 'p')
if pool then
  account(pool, channel, 0)
  place(pool, channel)
end
return kept
""",
)

HISTORY_SCRIPTS = (SINCE, RECOVER, LATEST, POSITION, CLEAR)
