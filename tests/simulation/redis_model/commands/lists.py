"""Lists."""

from tests.simulation.redis_model.commands.table import command, integer, span
from tests.simulation.redis_model.keyspace import Keyspace, List


@command("RPUSH", 3, 0)
def push(keys: Keyspace, name: bytes, *items: bytes) -> int:
    found = keys.make(name, List)
    found.extend(items)
    keys.changes += len(items)
    return len(found)


@command("LPOP", 2)
def pop(keys: Keyspace, name: bytes) -> bytes | None:
    found = keys.get(name, List)
    if found is None:
        return None
    first = found.pop(0)
    keys.changes += 1
    keys.tidy(name, found)
    return first


@command("LLEN", 2)
def length(keys: Keyspace, name: bytes) -> int:
    return len(keys.get(name, List) or ())


@command("LINDEX", 3)
def at(keys: Keyspace, name: bytes, index: bytes) -> bytes | None:
    found = keys.get(name, List)
    if found is None:
        return None
    number = integer(index)
    return found[number] if -len(found) <= number < len(found) else None


@command("LRANGE", 4)
def between(keys: Keyspace, name: bytes, start: bytes, stop: bytes) -> list[bytes]:
    part, found = span(start, stop), keys.get(name, List) or []
    return list(found[part(len(found))])
