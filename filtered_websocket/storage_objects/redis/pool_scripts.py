"""The Lua of pools: what the histories of several channels may take together (`limits/history_pool.py`). The keys are
those of `storage_object.py`; of each pool there are

    b:POOL    hash          b: bytes in all; s: a number that rises with every publication; cCHANNEL: bytes of that one
    o:POOL    sorted set    channel -> the number of its oldest publication
    x:POOL    sorted set    channel -> when its list ends, in ms; once it has, that less ENDED

The sums heal: what nodes of versions without pools have written is counted as 0, and no sum falls below that.
"""

from filtered_websocket.storage_objects.base import EPOCH_SECONDS, PUBLICATION_COST

ENDED = "1e14"
FOR_EVER = "1e13"
"""Milliseconds: 300 years."""
MOST_DROPPED = 10_000
"""Publications that one step may drop: Redis serves no other client meanwhile."""

# A script that begins with this has the prefix of all keys as its last argument, and with `NOW`.
POOLS = f"""
local prefix = ARGV[#ARGV]
local exactly = now + time[2] % 1000 / 1000
local function cost(item, channel) return #item + #channel + {PUBLICATION_COST} end
local function expired(item)
  local expires = tonumber(string.match(item, '^%d+'))
  return expires ~= 0 and expires <= now
end
local function held(pool, channel)
  return tonumber(redis.call('HGET', prefix .. 'b:' .. pool, 'c' .. channel) or 0)
end
-- Say how many bytes a channel has now; the pool's sum.
local function account(pool, channel, bytes)
  local more = math.max(bytes, 0) - held(pool, channel)
  redis.call('HINCRBY', prefix .. 'b:' .. pool, 'c' .. channel, string.format('%.0f', more))
  return redis.call('HINCRBY', prefix .. 'b:' .. pool, 'b', string.format('%.0f', more))
end
-- Put a channel in its place by its oldest publication.
local function place(pool, channel)
  local oldest = redis.call('LINDEX', prefix .. 'h:' .. channel, 0)
  if oldest then
    redis.call('ZADD', prefix .. 'o:' .. pool, string.match(oldest, '^%d+,(%d+)') or 0, channel)
  else
    redis.call('ZREM', prefix .. 'o:' .. pool, channel)
  end
end
local function leave(pool, channel)
  account(pool, channel, 0)
  redis.call('HDEL', prefix .. 'b:' .. pool, 'c' .. channel)
  redis.call('ZREM', prefix .. 'o:' .. pool, channel)
  redis.call('ZREM', prefix .. 'x:' .. pool, channel)
end
-- What Redis itself has let go: lists by their age, and later where they stood.
local function settle(pool)
  local ends = prefix .. 'x:' .. pool
  for _, channel in ipairs(redis.call('ZRANGEBYSCORE', ends, 0, now, 'LIMIT', 0, 10)) do
    local left = redis.call('PTTL', prefix .. 'h:' .. channel)
    if left == -2 then
      account(pool, channel, 0)
      redis.call('ZREM', prefix .. 'o:' .. pool, channel)
      redis.call('ZINCRBY', ends, -{ENDED}, channel)
    else
      redis.call('ZADD', ends, string.format('%.0f', now + (left == -1 and {FOR_EVER} or left)), channel)
    end
  end
  local gone = string.format('%.0f', now - {EPOCH_SECONDS * 1000:.0f} - {ENDED})
  for _, channel in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', gone, 'LIMIT', 0, 10)) do
    local left = redis.call('PTTL', prefix .. 'e:' .. channel)
    if left > 0 then
      redis.call('ZADD', ends, string.format('%.0f', gone + left), channel)
    else
      leave(pool, channel)
    end
  end
end
-- Above the limit of channels, those go that end soonest, but for the one that is being written. How many publications.
local function make_room(pool, limit, channel)
  local ends, lost = prefix .. 'x:' .. pool, 0
  if limit == 0 then return 0 end
  for _ = 1, math.min(redis.call('ZCARD', ends) - limit, 100) do
    local first = redis.call('ZRANGE', ends, 0, 1)
    local going = first[1] ~= channel and first[1] or first[2]
    if not going then break end
    lost = lost + redis.call('LLEN', prefix .. 'h:' .. going)
    redis.call('DEL', prefix .. 'h:' .. going, prefix .. 'e:' .. going, prefix .. 'k:' .. going)
    leave(pool, going)
  end
  return lost
end
-- Above the limit of bytes, the oldest go. How many that were not too old anyway.
local function drop_oldest(pool, limit)
  local line, lost = prefix .. 'o:' .. pool, 0
  if limit == 0 then return 0 end
  for _ = 1, {MOST_DROPPED} do
    if tonumber(redis.call('HGET', prefix .. 'b:' .. pool, 'b') or 0) <= limit then break end
    local channel = redis.call('ZRANGE', line, 0, 0)[1]
    if not channel then break end
    local item = redis.call('LPOP', prefix .. 'h:' .. channel)
    if item and not expired(item) then lost = lost + 1 end
    account(pool, channel, item and held(pool, channel) - cost(item, channel) or 0)
    place(pool, channel)
  end
  return lost
end
-- A pool lives as long as what is in it. was: how long it had before this step; meta: how long positions have after.
local function live(pool, keep, meta, was)
  local o, x = prefix .. 'o:' .. pool, prefix .. 'x:' .. pool
  -- What has an end itself may end a day after the last that is in it; its parts come and go on their own.
  if was == -1 or keep > 0 and was > keep + meta and redis.call('TTL', o) ~= -1
    and redis.call('TTL', x) ~= -1 then return end
  for _, key in ipairs({{prefix .. 'b:' .. pool, o, x}}) do
    if keep == 0 then
      redis.call('PERSIST', key)
    else
      redis.call('PEXPIRE', key, string.format('%.0f', math.max(was, keep + meta + {EPOCH_SECONDS * 1000:.0f})))
    end
  end
end
"""
