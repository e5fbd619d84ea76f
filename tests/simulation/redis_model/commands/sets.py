"""Sets."""

from random import Random

from tests.simulation.redis_model.answers import Refusal
from tests.simulation.redis_model.commands.table import NOT_INTEGER, command, integer
from tests.simulation.redis_model.keyspace import Keyspace, Set


@command("SADD", 3, 0)
def add(keys: Keyspace, name: bytes, *members: bytes) -> int:
    found = keys.make(name, Set)
    before = len(found)
    found.update(dict.fromkeys(members))
    keys.changes += len(found) - before
    return len(found) - before


@command("SREM", 3, 0)
def remove(keys: Keyspace, name: bytes, *members: bytes) -> int:
    found = keys.get(name, Set)
    if found is None:
        return 0
    before = len(found)
    for member in members:
        found.pop(member, None)
    gone = before - len(found)
    keys.changes += gone
    keys.tidy(name, found)
    return gone


@command("SMEMBERS", 2)
def members(keys: Keyspace, name: bytes) -> list[bytes]:
    return list(keys.get(name, Set) or ())


@command("SPOP", 3)
def pop(keys: Keyspace, name: bytes, count: bytes) -> list[bytes]:
    """By chance, but the same at each time that the same was done before."""
    number = integer(count)
    if number < 0:
        raise Refusal(NOT_INTEGER.replace("not an integer or out of range", "out of range, must be positive"))
    found = keys.get(name, Set)
    if found is None:
        return []
    popped = Random(keys.changes).sample(list(found), min(number, len(found)))
    for member in popped:
        del found[member]
    keys.changes += len(popped)
    keys.tidy(name, found)
    return popped
