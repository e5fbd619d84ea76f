"""Sorted sets."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import inf, isnan
from typing import Any

from tests.simulation.redis_model.answers import Refusal
from tests.simulation.redis_model.commands.table import SYNTAX, command, integer, span
from tests.simulation.redis_model.keyspace import Keyspace
from tests.simulation.redis_model.sorted_set import SortedSet, parse_score, written_score

_EMPTY = SortedSet()


def _found(keys: Keyspace, name: bytes) -> SortedSet:
    return keys.get(name, SortedSet) or _EMPTY


@command("ZADD", 4, 0)
def add(keys: Keyspace, name: bytes, *values: bytes) -> int:
    only_known = values[0].upper() == b"XX"
    pairs = values[1:] if only_known else values
    if not pairs or len(pairs) % 2:
        raise Refusal(SYNTAX)
    scores = [parse_score(raw) for raw in pairs[::2]]
    if only_known and keys.get(name, SortedSet) is None:
        return 0
    found, new = keys.make(name, SortedSet), 0
    for score, member in zip(scores, pairs[1::2], strict=True):
        before = found.scores.get(member)
        if before != score and not (only_known and before is None):
            new += found.put(member, score)
            keys.changes += 1
    return new


@command("ZINCRBY", 4)
def increase(keys: Keyspace, name: bytes, more: bytes, member: bytes) -> bytes:
    change = parse_score(more)
    score = _found(keys, name).scores.get(member, 0.0) + change
    if isnan(score):
        raise Refusal("ERR resulting score is not a number (NaN)")
    keys.make(name, SortedSet).put(member, score)
    keys.changes += 1
    return written_score(score)


@command("ZREM", 3, 0)
def remove(keys: Keyspace, name: bytes, *members: bytes) -> int:
    return _remove(keys, name, members)


@command("ZSCORE", 3)
def score_of(keys: Keyspace, name: bytes, member: bytes) -> bytes | None:
    score = _found(keys, name).scores.get(member)
    return None if score is None else written_score(score)


@command("ZCARD", 2)
def length(keys: Keyspace, name: bytes) -> int:
    return len(_found(keys, name))


@command("ZRANGE", 4)
def by_place(keys: Keyspace, name: bytes, start: bytes, stop: bytes) -> list[bytes]:
    part, order = span(start, stop), _found(keys, name).order
    return [member for _, member in order[part(len(order))]]


@command("ZRANGEBYSCORE", 4, 7)
def by_score(keys: Keyspace, name: bytes, low: bytes, high: bytes, *limit: bytes) -> list[bytes]:
    part = _limit(limit)
    return _between_scores(keys, name, low, high)[part]


@command("ZCOUNT", 4)
def count(keys: Keyspace, name: bytes, low: bytes, high: bytes) -> int:
    return len(_between_scores(keys, name, low, high))


@command("ZREMRANGEBYSCORE", 4)
def remove_by_score(keys: Keyspace, name: bytes, low: bytes, high: bytes) -> int:
    return _remove(keys, name, _between_scores(keys, name, low, high))


@command("ZRANGEBYLEX", 4, 7)
def by_bytes(keys: Keyspace, name: bytes, low: bytes, high: bytes, *limit: bytes) -> list[bytes]:
    """Of a sorted set whose scores are all the same, as Redis wants it too."""
    part, first, last = _limit(limit), _bytes_bound(low), _bytes_bound(high)
    return [member for _, member in _found(keys, name).order if first(member) >= 0 >= last(member)][part]


def _remove(keys: Keyspace, name: bytes, members: Sequence[bytes]) -> int:
    found = keys.get(name, SortedSet)
    if found is None:
        return 0
    gone = sum(map(found.discard, members))
    keys.changes += gone
    keys.tidy(name, found)
    return gone


def _between_scores(keys: Keyspace, name: bytes, low: bytes, high: bytes) -> list[bytes]:
    (first, no_first), (last, no_last) = _bound(low), _bound(high)
    found = _found(keys, name)
    begin = bisect_right(found.order, first, key=_score) if no_first else bisect_left(found.order, first, key=_score)
    end = bisect_left(found.order, last, key=_score) if no_last else bisect_right(found.order, last, key=_score)
    return [member for _, member in found.order[begin:end]]


def _score(pair: tuple[float, bytes]) -> float:
    return pair[0]


def _bound(raw: bytes) -> tuple[float, bool]:
    """A bound, and whether it is none of them itself."""
    excludes = raw[:1] == b"("
    return parse_score(raw[excludes:], "ERR min or max is not a float"), excludes


def _bytes_bound(raw: bytes) -> Any:
    """How a member compares to a bound: -1, 0 or 1."""
    if raw in (b"-", b"+"):
        return lambda _: inf if raw == b"-" else -inf
    kind, bound = raw[:1], raw[1:]
    if kind not in (b"[", b"("):
        raise Refusal("ERR min or max not valid string range item")
    # What is at an excluded bound lies outside, whichever side that is.
    outside = float("nan") if kind == b"(" else 0
    return lambda member: outside if member == bound else (member > bound) - (member < bound)


def _limit(limit: tuple[bytes, ...]) -> slice:
    if not limit:
        return slice(None)
    if len(limit) != 3 or limit[0].upper() != b"LIMIT":
        raise Refusal(SYNTAX)
    offset, number = integer(limit[1]), integer(limit[2])
    if offset < 0:
        return slice(0)
    return slice(offset, None if number < 0 else offset + number)
