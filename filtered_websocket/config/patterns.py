"""Patterns of paths: `*` stands for any characters, `/` among them; everything else for itself."""

from functools import lru_cache

REMEMBERED, SHORT = 1024, 256
"""Prefixes that are remembered, of paths of so many characters: clients choose paths, and most choose the same."""


def match(pattern: str, path: str) -> tuple[str, ...] | None:
    """What each `*` stands for, the first as short as can be and so on; None if the path does not fit.

    Takes time in proportion to the path, whatever stands in it: clients choose paths.

    >>> match("/apps/*/channels/*", "/apps/7/channels/a/b")
    ('7', 'a/b')
    >>> match("/apps/*/channels", "/apps/7/events") is None
    True
    """
    first, *rest = pattern.split("*")
    if not rest:
        return () if path == first else None
    if not path.startswith(first):
        return None
    at, last, found = len(first), rest.pop(), list[str]()
    for part in rest:
        end = path.find(part, at)
        if end < 0:
            return None
        found.append(path[at:end])
        at = end + len(part)
    if not path.endswith(last) or len(path) - len(last) < at:
        return None
    return (*found, path[at : len(path) - len(last)])


def prefixes(pattern: str, path: str) -> list[str]:
    """What may stand in front of another path in one that fits a pattern: its beginnings, at a slash, that the pattern
    fixes. The empty one comes first.

    >>> prefixes("/live/*", "/live/apps/7")
    ['', '/live']
    >>> prefixes("/*/chat/*", "/7/chat/apps")
    ['', '/7/chat']
    """
    return list((_remembered if len(path) <= SHORT else _prefixes)(pattern, path))


def _prefixes(pattern: str, path: str) -> tuple[str, ...]:
    found = match(pattern, path)
    if not found:
        return ("",)
    literal, tail = pattern.partition("*")[0], pattern.rpartition("*")[2]
    # Not each beginning up to the last star: what stands for the others clients choose, with as many slashes as fit.
    ends = [index for index, character in enumerate(literal) if character == "/"]
    last = len(path) - len(tail) - len(found[-1])
    ends += [last] if path.startswith("/", last) else [last - 1] if path.startswith("/", last - 1) else []
    return tuple(dict.fromkeys(["", *(path[:end] for end in ends if end > 0)]))


_remembered = lru_cache(REMEMBERED)(_prefixes)


def rank(pattern: str) -> tuple[int, int, int]:
    """Of several patterns that fit, the one of the highest rank is meant: the longest literal beginning, then the one
    without `*`, then the most literal characters.

    >>> max("/apps/*", "/apps/*/users", "/*", key=rank)
    '/apps/*/users'
    """
    literal, star, _ = pattern.partition("*")
    return len(literal), not star, len(pattern) - pattern.count("*")
