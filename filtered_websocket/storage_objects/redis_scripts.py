"""The Lua that Redis runs: each script is one atomic step. What is kept under which key stands in ``redis.py``.

Times are Redis's own, in milliseconds, so that nodes need no common clock. Scripts call TIME before they write, which
needs Redis 5 or newer.
"""

import hashlib
from collections.abc import Sequence

from filtered_websocket.storage_objects.history import EPOCH_SECONDS

STATE_SECONDS = 86400
"""How long what nodes hold (presence, counts, leases) outlives the last node: then nobody sweeps, Redis forgets."""

GONE = -9
"""What a script answers a node whose lease has ended: it must begin again, with a new name."""


def command(*parts: bytes) -> bytes:
    """One command in Redis's protocol."""
    return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])


class Script:
    """Lua, to be called by its hash."""

    def __init__(self, *parts: str) -> None:
        self.source = "\n".join(parts).encode()
        self.sha = hashlib.sha1(self.source, usedforsecurity=False).hexdigest().encode()

    def request(self, keys: Sequence[bytes], values: Sequence[bytes]) -> bytes:
        """The command that runs it."""
        return command(b"EVALSHA", self.sha, b"%d" % len(keys), *keys, *values)

    def in_full(self, request: bytes) -> bytes:
        """The same command for a Redis that does not know the script."""
        count, _, rest = request.partition(b"\r\n")
        by_hash = b"$7\r\nEVALSHA\r\n$40\r\n%b\r\n" % self.sha
        return b"%b\r\n$4\r\nEVAL\r\n$%d\r\n%b\r\n" % (count, len(self.source), self.source) + rest[len(by_hash) :]


_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

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
    _NOW,
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
    _NOW,
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
    _NOW,
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
    _NOW,
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
    _NOW,
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

_ALIVE = f"""
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not lease or tonumber(lease) <= 0 then return {GONE} end
"""

# KEYS nodes, presence, the node's own entries; ARGV node, channel, member, holder, info -> 1 if the first holder.
# A member's holders are a JSON list of [holder, node, info], the newest last.
JOIN = Script(
    _ALIVE,
    f"""
local raw = redis.call('HGET', KEYS[2], ARGV[3])
local holders, kept = raw and cjson.decode(raw) or {{}}, {{}}
for _, held in ipairs(holders) do
  if held[1] ~= ARGV[4] then kept[#kept + 1] = held end
end
kept[#kept + 1] = {{ARGV[4], ARGV[1], ARGV[5]}}
redis.call('HSET', KEYS[2], ARGV[3], cjson.encode(kept))
redis.call('EXPIRE', KEYS[2], {STATE_SECONDS})
redis.call('SADD', KEYS[3], cjson.encode({{ARGV[2], ARGV[3], ARGV[4]}}))
redis.call('EXPIRE', KEYS[3], {STATE_SECONDS})
return #holders == 0 and 1 or 0
""",
)

# The same KEYS and ARGV, without the info -> 1 if the last holder
LEAVE = Script(
    _ALIVE,
    """
redis.call('SREM', KEYS[3], cjson.encode({ARGV[2], ARGV[3], ARGV[4]}))
local raw = redis.call('HGET', KEYS[2], ARGV[3])
if not raw then return 0 end
local holders, kept = cjson.decode(raw), {}
for _, held in ipairs(holders) do
  if held[1] ~= ARGV[4] then kept[#kept + 1] = held end
end
if #kept == #holders then return 0 end
if #kept > 0 then
  redis.call('HSET', KEYS[2], ARGV[3], cjson.encode(kept))
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

# KEYS nodes, and what else is to live on; ARGV node, milliseconds of the lease, '1' for a new node, "swept" key
# -> {1, nodes whose lease has ended...}, or {GONE, 1 if it was swept}
RENEW = Script(
    _NOW,
    f"""
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

# A part of what a dead node held. Whoever runs it is the only one to be told of these.
# KEYS nodes, its entries, its counts, totals, occupied, its "swept" key; ARGV node, prefix of presence keys, how many
# -> {1 if there may be more, {channel, member, info, ...}, {channel...}}
SWEEP = Script(
    _NOW,
    _ADD,
    f"""
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not lease or tonumber(lease) > now then return {{0, {{}}, {{}}}} end
redis.call('ZADD', KEYS[1], 0, ARGV[1])
redis.call('SET', KEYS[6], 1, 'EX', {STATE_SECONDS})
local left, vacated, worked = {{}}, {{}}, 0
for _, entry in ipairs(redis.call('SPOP', KEYS[2], ARGV[3])) do
  worked = 1
  local channel, member, holder = unpack(cjson.decode(entry))
  local raw = redis.call('HGET', ARGV[2] .. channel, member)
  local holders, kept, info = raw and cjson.decode(raw) or {{}}, {{}}, ''
  for _, held in ipairs(holders) do
    -- A holder that has joined again, through another node or under this one's next name, stays.
    if held[1] == holder and held[2] == ARGV[1] then info = held[3] else kept[#kept + 1] = held end
  end
  if #kept > 0 then
    redis.call('HSET', ARGV[2] .. channel, member, cjson.encode(kept))
  elseif #holders > 0 then
    redis.call('HDEL', ARGV[2] .. channel, member)
    for _, value in ipairs({{channel, member, info}}) do left[#left + 1] = value end
  end
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

SCRIPTS = (SEND, SINCE, RECOVER, LATEST, POSITION, JOIN, LEAVE, TRACK, OCCUPIED, RENEW, RELEASE, SWEEP)
