"""The Lua of presence, subscriber counts and leases. The keys are those of `storage_object.py`."""

from filtered_websocket.storage_objects.redis.command import NOW, Script

STATE_SECONDS = 86400
"""How long what nodes hold (presence, counts, leases) outlives the last node, which no other can sweep."""

GONE = -9
"""What a script answers a node whose lease has ended: it must begin again, with a new name."""

ALONE = 2
"""What ``JOIN`` answers the only holder, which holds it again."""

_ALIVE = f"""
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not lease or tonumber(lease) <= 0 then return {GONE} end
"""

# A member's holders are a JSON list of [holder, node, info], the newest last. One user may have thousands of
# connections, so the list is cut and joined as a text, and one entry is decoded at most.
_HOLDERS = """
-- Where the JSON string that begins at a position ends: behind its closing quote.
local function behind(raw, at)
  while true do
    at = string.find(raw, '"', at + 1, true)
    local first = at
    while string.byte(raw, first - 1) == 92 do first = first - 1 end
    if (at - first) % 2 == 0 then return at + 1 end
  end
end

local function ends(raw, from) return behind(raw, behind(raw, behind(raw, from + 1) + 1) + 1) end

-- The entry of a holder: where it begins and ends; nothing if there is none.
local function find(raw, holder)
  local head = '[' .. cjson.encode(holder) .. ','
  -- In a string a quote has a backslash before it: only the end of one looks like this, and what follows it is ] or ,
  if not string.find(holder, '^[],]') then
    local from = string.find(raw, head, 1, true)
    if from then return from, ends(raw, from) end
    return
  end
  local from = 2
  while from < #raw do
    local to = ends(raw, from)
    if string.sub(raw, from, from + #head - 1) == head then return from, to end
    from = to + 2
  end
end

-- The list without what stands there; nothing if that was all.
local function cut(raw, from, to)
  if from > 2 then return string.sub(raw, 1, from - 2) .. string.sub(raw, to + 1) end
  return to < #raw - 1 and '[' .. string.sub(raw, to + 2) or nil
end
"""

# KEYS nodes, presence, the node's own entries; ARGV node, channel, member, holder, info
# -> 1 if the first holder, ALONE if it was the only one already
JOIN = Script(
    _ALIVE,
    _HOLDERS,
    f"""
local raw = redis.call('HGET', KEYS[2], ARGV[3])
local others = raw
if raw then
  local from, to = find(raw, ARGV[4])
  if from then others = cut(raw, from, to) end
end
local entry = cjson.encode({{ARGV[4], ARGV[1], ARGV[5]}}) .. ']'
redis.call('HSET', KEYS[2], ARGV[3], others and string.sub(others, 1, -2) .. ',' .. entry or '[' .. entry)
redis.call('EXPIRE', KEYS[2], {STATE_SECONDS})
redis.call('SADD', KEYS[3], cjson.encode({{ARGV[2], ARGV[3], ARGV[4]}}))
redis.call('EXPIRE', KEYS[3], {STATE_SECONDS})
if not raw then return 1 end
return others and 0 or {ALONE}
""",
)

# The same KEYS and ARGV, without the info -> 1 if the last holder
LEAVE = Script(
    _ALIVE,
    _HOLDERS,
    """
redis.call('SREM', KEYS[3], cjson.encode({ARGV[2], ARGV[3], ARGV[4]}))
local raw = redis.call('HGET', KEYS[2], ARGV[3])
if not raw then return 0 end
local from, to = find(raw, ARGV[4])
if not from then return 0 end
local others = cut(raw, from, to)
if others then
  redis.call('HSET', KEYS[2], ARGV[3], others)
  return 0
end
redis.call('HDEL', KEYS[2], ARGV[3])
return 1
""",
)

_ADD = """
local function add(totals, occupied, channel, change)
  local total = redis.call('HINCRBY', totals, channel, change)
  if total > 0 then
    redis.call('ZADD', occupied, 0, channel)
  else
    redis.call('HDEL', totals, channel)
    redis.call('ZREM', occupied, channel)
  end
  return (total > 0 and 1 or 0) - (total - change > 0 and 1 or 0)
end
"""

# KEYS nodes, the node's own counts, totals, occupied; ARGV node, channel, count -> the edge
TRACK = Script(
    _ALIVE,
    _ADD,
    f"""
local before, after = tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or 0), tonumber(ARGV[3])
if after > 0 then redis.call('HSET', KEYS[2], ARGV[2], after) else redis.call('HDEL', KEYS[2], ARGV[2]) end
local edge = 0
if after ~= before then edge = add(KEYS[3], KEYS[4], ARGV[2], after - before) end
for i = 2, 4 do redis.call('EXPIRE', KEYS[i], {STATE_SECONDS}) end
return edge
""",
)

# KEYS occupied, totals; ARGV prefix -> channel, count, channel, count...
OCCUPIED = Script("""
local low, high = '-', '+'
if ARGV[1] ~= '' then low, high = '[' .. ARGV[1], '[' .. ARGV[1] .. '\\255' end
local found = {}
for _, channel in ipairs(redis.call('ZRANGEBYLEX', KEYS[1], low, high)) do
  found[#found + 1] = channel
  found[#found + 1] = redis.call('HGET', KEYS[2], channel) or 0
end
return found
""")

# When Redis's clock was set back, leases end at times that are too far away by that much, and dead nodes would live on
# for as long: the first node that sees it moves them all. To see it, the time is kept, here and nowhere else.
# KEYS nodes, and what else is to live on; ARGV node, milliseconds of the lease, '1' for a new node, "swept" key,
# "clock" key -> {1, nodes whose lease has ended...}, or {GONE, 1 if it was swept}
RENEW = Script(
    NOW,
    f"""
local back = tonumber(redis.call('GET', ARGV[5]) or 0) - now
redis.call('SET', ARGV[5], string.format('%.0f', now), 'EX', {STATE_SECONDS})
if back > 1000 then
  for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf')) do
    redis.call('ZINCRBY', KEYS[1], -back, node)
  end
end
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ARGV[3] ~= '1' and (not lease or tonumber(lease) <= 0) then return {{{GONE}, redis.call('EXISTS', ARGV[4])}} end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, {STATE_SECONDS}) end
return {{1, unpack(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100))}}
""",
)

# The end of a lease by its own node: others sweep what it still holds.
# KEYS nodes, its entries, its counts; ARGV node
RELEASE = Script("""
if redis.call('EXISTS', KEYS[2], KEYS[3]) == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
elseif redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  redis.call('ZADD', KEYS[1], 1, ARGV[1])
end
return 1
""")

# A part of what a dead node held. The node that runs it is the only one to be told of these. Until it asks for the next
# part it has yet to tell them to others, which the "telling" key says: a dead node that is back waits for that.
# KEYS nodes, its entries, its counts, totals, occupied, its "swept" key, its "telling" key
# ARGV node, prefix of presence keys, how many, name of this sweep, milliseconds that telling may take
# -> {1 if there may be more, {channel, member, info, ...}, {channel...}}
SWEEP = Script(
    NOW,
    _ADD,
    _HOLDERS,
    f"""
redis.call('SREM', KEYS[7], ARGV[4])
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not lease or tonumber(lease) > now then return {{0, {{}}, {{}}}} end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
redis.call('SET', KEYS[6], 1, 'EX', {STATE_SECONDS})
local left, vacated, worked = {{}}, {{}}, 0
for _, entry in ipairs(redis.call('SPOP', KEYS[2], ARGV[3])) do
  worked = 1
  local channel, member, holder = unpack(cjson.decode(entry))
  local raw = redis.call('HGET', ARGV[2] .. channel, member)
  local from, to
  if raw then from, to = find(raw, holder) end
  local held = from and cjson.decode(string.sub(raw, from, to))
  -- A holder that has joined again, through another node or under this one's next name, stays.
  if held and held[2] == ARGV[1] then
    local others = cut(raw, from, to)
    if others then
      redis.call('HSET', ARGV[2] .. channel, member, others)
    else
      redis.call('HDEL', ARGV[2] .. channel, member)
      for _, value in ipairs({{channel, member, held[3]}}) do left[#left + 1] = value end
    end
  end
end
if #left > 0 then
  redis.call('SADD', KEYS[7], ARGV[4])
  redis.call('PEXPIRE', KEYS[7], ARGV[5])
end
local counts = redis.call('HSCAN', KEYS[3], 0, 'COUNT', ARGV[3])[2]
for i = 1, #counts, 2 do
  worked = 1
  redis.call('HDEL', KEYS[3], counts[i])
  if add(KEYS[4], KEYS[5], counts[i], -counts[i + 1]) == -1 then vacated[#vacated + 1] = counts[i] end
end
if worked == 0 then redis.call('ZREM', KEYS[1], ARGV[1]) end
return {{worked, left, vacated}}
""",
)

LEASE_SCRIPTS = (JOIN, LEAVE, TRACK, OCCUPIED, RENEW, RELEASE, SWEEP)
