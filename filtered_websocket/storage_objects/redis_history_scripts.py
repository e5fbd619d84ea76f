"""The Lua of history: append, publish and read in one step. The keys are those of ``redis.py``."""

from filtered_websocket.storage_objects.history import EPOCH_SECONDS
from filtered_websocket.storage_objects.redis_command import NOW, Script

# An item of history is "<expires> <envelope>"; expires is 0 for never. Old ones leave at the head.
_TRIM = """
local function trim(list)
  while true do
    local head = redis.call('LINDEX', list, 0)
    if not head then return end
    local expires = tonumber(string.match(head, '^%d+'))
    if expires == 0 or expires > now then return end
    redis.call('LPOP', list)
  end
end
local function envelope(item) return string.sub(item, string.find(item, ' ', 1, true) + 1) end
"""

# Old items stay until somebody reads: there are never more than count. Nothing here looks at a payload but to copy it.
# KEYS list, meta; ARGV Redis channel, body, count, milliseconds (0: for ever), name for a new epoch
SEND = Script(
    NOW,
    f"""
local epoch = redis.call('HGET', KEYS[2], 'e')
if not epoch then
  epoch = ARGV[5] .. '.' .. time[1] .. '.' .. time[2]
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[2], 'e', epoch)
end
local where = epoch .. ':' .. redis.call('HINCRBY', KEYS[2], 'o', 1)
local sent = '\\255' .. where .. '\\n' .. ARGV[2]
local keep = tonumber(ARGV[4])
local length = redis.call('RPUSH', KEYS[1], string.format('%.0f ', keep > 0 and now + keep or 0) .. sent)
if length > tonumber(ARGV[3]) then redis.call('LTRIM', KEYS[1], -ARGV[3], -1) end
if keep > 0 then
  redis.call('PEXPIRE', KEYS[1], keep)
  redis.call('PEXPIRE', KEYS[2], keep + {int(EPOCH_SECONDS * 1000)})
else
  redis.call('PERSIST', KEYS[1])
  redis.call('PERSIST', KEYS[2])
end
redis.call('PUBLISH', ARGV[1], sent)
return where
""",
)

SEND_REQUEST = (
    b"*10\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n2\r\n" % SEND.sha
    + b"$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n%b"
)
"""``SEND.request`` in one step: of list, meta, channel and body, each with its length, and the last three ready."""

# KEYS list, meta; ARGV epoch, offset -> the envelopes after it, or nil
SINCE = Script(
    NOW,
    _TRIM,
    """
local meta = redis.call('HMGET', KEYS[2], 'e', 'o')
if meta[1] ~= ARGV[1] then return false end
trim(KEYS[1])
local missed = tonumber(meta[2] or 0) - ARGV[2]
if missed < 0 or missed > redis.call('LLEN', KEYS[1]) then return false end
local found = {}
if missed > 0 then
  for _, item in ipairs(redis.call('LRANGE', KEYS[1], -missed, -1)) do found[#found + 1] = envelope(item) end
end
return found
""",
)

# For a node that was away. KEYS list, meta; ARGV epoch ('': none when it subscribed), offset
# -> {1 if nothing is missing, what there is of it...}
RECOVER = Script(
    NOW,
    _TRIM,
    """
local meta = redis.call('HMGET', KEYS[2], 'e', 'o')
if not meta[1] then return {0} end
trim(KEYS[1])
local top, kept = tonumber(meta[2] or 0), redis.call('LLEN', KEYS[1])
local missed = top
if meta[1] == ARGV[1] then missed = top - ARGV[2] end
if missed < 0 then
  -- Redis came back with older data: from now on the same positions would name other publications.
  redis.call('DEL', KEYS[1], KEYS[2])
  return {0}
end
local found = {(missed <= kept and (meta[1] == ARGV[1] or ARGV[1] == '')) and 1 or 0}
if missed > 0 then
  for _, item in ipairs(redis.call('LRANGE', KEYS[1], -missed, -1)) do found[#found + 1] = envelope(item) end
end
return found
""",
)

# KEYS list; ARGV skip, count -> envelopes, oldest first
LATEST = Script(
    NOW,
    _TRIM,
    """
trim(KEYS[1])
local found = {}
for _, item in ipairs(redis.call('LRANGE', KEYS[1], -(ARGV[1] + ARGV[2]), -(ARGV[1] + 1))) do
  found[#found + 1] = envelope(item)
end
return found
""",
)

# KEYS meta; ARGV name for a new epoch -> "epoch:offset"
POSITION = Script(
    NOW,
    f"""
local meta = redis.call('HMGET', KEYS[1], 'e', 'o')
if not meta[1] then
  meta[1] = ARGV[1] .. '.' .. time[1] .. '.' .. time[2]
  redis.call('HSET', KEYS[1], 'e', meta[1], 'o', 0)
  redis.call('PEXPIRE', KEYS[1], {int(EPOCH_SECONDS * 1000)})
end
return meta[1] .. ':' .. (meta[2] or 0)
""",
)

HISTORY_SCRIPTS = (SEND, SINCE, RECOVER, LATEST, POSITION)
