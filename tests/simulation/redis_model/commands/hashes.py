"""Hashes."""

from typing import Any

from tests.simulation.redis_model.answers import Refusal
from tests.simulation.redis_model.commands.table import SYNTAX, command, integer, wrong_number
from tests.simulation.redis_model.keyspace import Hash, Keyspace

AT_ONCE = 512
"""A hash of so many fields, none longer than `SHORT`, HSCAN gives whole, whatever it is asked for."""
SHORT = 64


@command("HSET", 4, 0)
def put(keys: Keyspace, name: bytes, *pairs: bytes) -> int:
    if len(pairs) % 2:
        raise wrong_number(b"HSET")
    found = keys.make(name, Hash)
    before = len(found)
    found.update(zip(pairs[::2], pairs[1::2], strict=True))
    keys.changes += 1
    return len(found) - before


@command("HSETNX", 4)
def put_new(keys: Keyspace, name: bytes, field: bytes, value: bytes) -> int:
    found = keys.make(name, Hash)
    if field in found:
        return 0
    found[field] = value
    keys.changes += 1
    return 1


@command("HGET", 3)
def get(keys: Keyspace, name: bytes, field: bytes) -> bytes | None:
    found = keys.get(name, Hash)
    return None if found is None else found.get(field)


@command("HEXISTS", 3)
def exists(keys: Keyspace, name: bytes, field: bytes) -> int:
    return int(field in (keys.get(name, Hash) or ()))


@command("HMGET", 3, 0)
def get_several(keys: Keyspace, name: bytes, *fields: bytes) -> list[bytes | None]:
    found = keys.get(name, Hash)
    return [None] * len(fields) if found is None else [found.get(field) for field in fields]


@command("HGETALL", 2)
def get_all(keys: Keyspace, name: bytes) -> list[bytes]:
    return [each for pair in (keys.get(name, Hash) or {}).items() for each in pair]


@command("HLEN", 2)
def length(keys: Keyspace, name: bytes) -> int:
    return len(keys.get(name, Hash) or ())


@command("HDEL", 3, 0)
def delete(keys: Keyspace, name: bytes, *fields: bytes) -> int:
    found = keys.get(name, Hash)
    if found is None:
        return 0
    gone = sum(found.pop(field, None) is not None for field in fields)
    keys.changes += gone
    keys.tidy(name, found)
    return gone


@command("HINCRBY", 4)
def add(keys: Keyspace, name: bytes, field: bytes, more: bytes) -> int:
    change = integer(more)
    found = keys.get(name, Hash)
    total = integer((found or {}).get(field, b"0"), "ERR hash value is not an integer") + change
    if not -(2**63) <= total < 2**63:
        raise Refusal("ERR increment or decrement would overflow")
    keys.make(name, Hash)[field] = b"%d" % total
    keys.changes += 1
    return total


@command("HSCAN", 3, 0)
def scan(keys: Keyspace, name: bytes, cursor: bytes, *options: bytes) -> list[Any]:
    start, count = integer(cursor, "ERR invalid cursor"), 10
    if options:
        if len(options) != 2 or options[0].upper() != b"COUNT":
            raise Refusal(SYNTAX)
        count = integer(options[1])
    pairs = list((keys.get(name, Hash) or {}).items())
    if len(pairs) > AT_ONCE or any(len(each) > SHORT for pair in pairs for each in pair):
        end = start + count
    else:
        end = len(pairs)
    following = b"%d" % (end if end < len(pairs) else 0)
    return [following, [each for pair in pairs[start:end] for each in pair]]
