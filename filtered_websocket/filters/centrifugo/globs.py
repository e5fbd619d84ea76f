"""Patterns of channels as the server API has them: * ? [a-z] [!a] {a,b}."""

import re
from fnmatch import translate

MOST = 64
"""Patterns that one with braces may stand for."""


class Glob:
    """
    :param pattern: "" for all channels
    :raises ValueError: its braces stand for too much
    """

    def __init__(self, pattern: str) -> None:
        self._fits = [re.compile(translate(each)).match for each in _expanded(pattern)] if pattern else None

    def fits(self, channel: str) -> bool:
        """Whether a channel is one that the pattern stands for."""
        return self._fits is None or any(fits(channel) for fits in self._fits)


def _expanded(pattern: str) -> list[str]:
    """Patterns without braces that stand for the same in all."""
    pending, found = [pattern], []
    while pending:
        one = pending.pop()
        braces = re.search(r"\{([^{}]*)\}", one)
        if braces is None:
            found.append(one)
        else:
            pending += [one[: braces.start()] + each + one[braces.end() :] for each in braces[1].split(",")]
        if len(pending) + len(found) > MOST:
            raise ValueError(f"a pattern may stand for {MOST} patterns")
    return found
