"""Any key, and plain values."""

from typing import Any

from tests.simulation.redis_model.answers import OK, Refusal
from tests.simulation.redis_model.commands.table import SYNTAX, command, integer
from tests.simulation.redis_model.keyspace import Keyspace


@command("DEL", 2, 0)
def delete(keys: Keyspace, *names: bytes) -> int:
    return sum(map(keys.drop, names))


@command("EXISTS", 2, 0)
def exists(keys: Keyspace, *names: bytes) -> int:
    return sum(keys.find(name) is not None for name in names)


@command("GET", 2)
def get(keys: Keyspace, name: bytes) -> bytes | None:
    return keys.get(name, bytes)


@command("SET", 3, 5)
def put(keys: Keyspace, name: bytes, value: bytes, *options: bytes) -> Any:
    ends = None
    if options:
        unit = options[0].upper()
        if len(options) != 2 or unit not in (b"EX", b"PX"):
            raise Refusal(SYNTAX)
        milliseconds = integer(options[1]) * (1000 if unit == b"EX" else 1)
        if milliseconds <= 0:
            raise Refusal("ERR invalid expire time in 'set' command")
        ends = keys.now + milliseconds
    keys.put(name, value)
    if ends is not None:
        keys.ends[name] = ends
    return OK


@command("EXPIRE", 3)
def expire(keys: Keyspace, name: bytes, seconds: bytes) -> int:
    return _end_in(keys, name, integer(seconds) * 1000)


@command("PEXPIRE", 3)
def expire_precisely(keys: Keyspace, name: bytes, milliseconds: bytes) -> int:
    return _end_in(keys, name, integer(milliseconds))


def _end_in(keys: Keyspace, name: bytes, milliseconds: int) -> int:
    if keys.find(name) is None:
        return 0
    if milliseconds <= 0:
        keys.drop(name)
    else:
        keys.ends[name] = keys.now + milliseconds
        keys.changes += 1
    return 1


@command("PERSIST", 2)
def persist(keys: Keyspace, name: bytes) -> int:
    if keys.find(name) is None or keys.ends.pop(name, None) is None:
        return 0
    keys.changes += 1
    return 1


@command("PTTL", 2)
def milliseconds_left(keys: Keyspace, name: bytes) -> int:
    if keys.find(name) is None:
        return -2
    return max(keys.ends[name] - keys.now, 0) if name in keys.ends else -1


@command("TTL", 2)
def seconds_left(keys: Keyspace, name: bytes) -> int:
    left = milliseconds_left(keys, name)
    return left if left < 0 else (left + 500) // 1000


@command("FLUSHALL", 1, 2)
def flush(keys: Keyspace, *_: bytes) -> Any:
    keys.clear()
    return OK


@command("TIME", 1)
def time(keys: Keyspace) -> list[bytes]:
    return [b"%d" % part for part in divmod(keys.microseconds, 1_000_000)]
