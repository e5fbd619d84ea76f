"""The heartbeat of a partition: it says whether its master takes writes, and comes back only to who hears its channels.

SPUBLISH alone would prove neither: masters confirm it that were cut off, have just started, or are replicas by now.
"""

from filtered_websocket.storage_objects.redis.command import Script

# KEYS a key of the slot that never exists; ARGV channel
_LUA = "return redis.call('PUBLISH', ARGV[1], '')"
CLASSIC_BEAT = Script(_LUA)
SHARDED_BEAT = Script(_LUA.replace("PUBLISH", "SPUBLISH"))
