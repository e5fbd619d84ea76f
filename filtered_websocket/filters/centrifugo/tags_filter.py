"""A client's filter of publications, by their tags."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from filtered_websocket.filters.centrifugo.messages import FilterNode

Tags = Mapping[str, str]
Fits = Callable[[Tags], bool]

MOST_NODES = 100
"""Nodes of one filter."""


def compiled(node: FilterNode) -> Fits:
    """Whether tags fit a filter.

    :raises ValueError: it is none
    """
    if _count(node) > MOST_NODES:
        raise ValueError(f"a filter has {MOST_NODES} nodes at most")
    return _compiled(node)


def _count(node: FilterNode) -> int:
    return 1 + sum(map(_count, node.nodes))


def _compiled(node: FilterNode) -> Fits:
    if node.op:
        return _joined(node)
    if not node.key or node.nodes:
        raise ValueError("a comparison has a key, and no nodes")
    if node.cmp in _COMPARED:
        if not node.val or node.vals:
            raise ValueError(f"{node.cmp} compares with one value")
        return _COMPARED[node.cmp](node.key, node.val)
    if node.cmp in ("in", "nin"):
        if not node.vals or node.val:
            raise ValueError(f"{node.cmp} compares with several values")
        values, wanted = frozenset(node.vals), node.cmp == "in"
        return lambda tags: (tags.get(node.key) in values) == wanted
    if node.cmp in ("ex", "nex"):
        if node.val or node.vals:
            raise ValueError(f"{node.cmp} compares with nothing")
        there = node.cmp == "ex"
        return lambda tags: (node.key in tags) == there
    raise ValueError(f"no comparison {node.cmp}")


def _joined(node: FilterNode) -> Fits:
    parts = [_compiled(each) for each in node.nodes]
    if node.key or node.cmp or node.val or node.vals:
        raise ValueError("what joins nodes compares nothing")
    if node.op == "not" and len(parts) == 1:
        return lambda tags: not parts[0](tags)
    if node.op == "and" and parts:
        return lambda tags: all(fits(tags) for fits in parts)
    if node.op == "or" and parts:
        return lambda tags: any(fits(tags) for fits in parts)
    raise ValueError("nodes are joined by and, or, or one by not")


def _text(fits: Callable[[str, str], bool]) -> Callable[[str, str], Fits]:
    def made(key: str, value: str) -> Fits:
        return lambda tags: key in tags and fits(tags[key], value)

    return made


def _number(fits: Callable[[Decimal, Decimal], bool]) -> Callable[[str, str], Fits]:
    def made(key: str, value: str) -> Fits:
        limit = _decimal(value)
        if limit is None:
            raise ValueError("a number is wanted")

        def fit(tags: Tags) -> bool:
            found = _decimal(tags.get(key, ""))
            return found is not None and fits(found, limit)

        return fit

    return made


def _decimal(text: str) -> Decimal | None:
    try:
        found = Decimal(text) if text.isascii() and len(text) <= 100 and "_" not in text else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


_COMPARED: Mapping[str, Callable[[str, str], Fits]] = {
    "eq": _text(lambda found, value: found == value),
    "neq": lambda key, value: lambda tags: tags.get(key) != value,
    "sw": _text(str.startswith),
    "ew": _text(str.endswith),
    "ct": _text(lambda found, value: value in found),
    "lt": _number(lambda found, limit: found < limit),
    "lte": _number(lambda found, limit: found <= limit),
    "gt": _number(lambda found, limit: found > limit),
    "gte": _number(lambda found, limit: found >= limit),
}
