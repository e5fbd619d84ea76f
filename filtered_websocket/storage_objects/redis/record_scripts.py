"""The Lua of records: values with a time to live, each of an owner. A record is a hash: its value ``v``, its owner
``o``."""

from collections.abc import Collection

from filtered_websocket.storage_objects.redis.command import Script
from filtered_websocket.storage_objects.values import as_bytes

# KEYS record; ARGV 1 or 0: store or delete, value, owner, milliseconds, 1 or 0: only if its owner is one of..., these
# -> 1 if it was done
STORE = Script("""
if ARGV[5] == '1' then
  local owner, fits = redis.call('HGET', KEYS[1], 'o') or '', false
  for i = 6, #ARGV do fits = fits or ARGV[i] == owner end
  if not fits then return 0 end
end
if ARGV[1] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'v', ARGV[2], 'o', ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 1
""")

# KEYS record; ARGV owner -> {value, former owner}, or nil
TAKE = Script("""
local found = redis.call('HMGET', KEYS[1], 'v', 'o')
if not found[1] then return false end
redis.call('HSET', KEYS[1], 'o', ARGV[1])
return found
""")

RECORD_SCRIPTS = (STORE, TAKE)


def store_values(
    value: str | bytes | None, seconds: float, owner: str, only_if: Collection[str] | None
) -> tuple[bytes, ...]:
    """What ``STORE`` takes."""
    stored = (b"0", b"") if value is None else (b"1", as_bytes(value))
    owners = (b"0",) if only_if is None else (b"1", *map(as_bytes, only_if))
    return *stored, as_bytes(owner), b"%d" % (seconds * 1000), *owners
