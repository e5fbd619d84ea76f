"""Which channels a token's names stand for: one class for each of the two ways.

Exact: a name is that channel, as in Philote. Wildcards (philote_wildcards): a name that ends in ``*`` stands for all
channels that begin like it. The star follows one of ``/ . : - _`` or stands alone, so the patterns that a channel can
match are found in its name, and a publication goes to the channel and to each of them: readers with a pattern are
members of a channel called like the pattern, on whatever node.
"""

import re
from collections.abc import Collection

MAX_DEPTH = 8
"""Separators of a name that count: a publication goes to so many patterns at most, and one more, the star alone."""

_SEPARATOR = re.compile(r"[/.:_-]")


class Exact:
    """A name is one channel."""

    def fault(self, names: Collection[str]) -> str:
        """What is wrong with the names that a token reads, "" for nothing."""
        return ""

    def holds(self, names: Collection[str], channel: str) -> bool:
        """Whether a token's names stand for a channel."""
        return channel in names

    def targets(self, channel: str) -> str | tuple[str, ...]:
        """Where a publication goes so that it reaches all that read the channel."""
        return channel


class Wildcards(Exact):
    """A name may end in a star."""

    def fault(self, names: Collection[str]) -> str:
        if all(name in self.patterns(name) for name in names if name.endswith("*")):
            return ""
        return f"a star stands alone, or at the end behind one of the first {MAX_DEPTH} of / . : - _"

    def holds(self, names: Collection[str], channel: str) -> bool:
        return channel in names or any(pattern in names for pattern in self.patterns(channel))

    def targets(self, channel: str) -> tuple[str, ...]:
        return (channel, *self.patterns(channel))

    @staticmethod
    def patterns(channel: str) -> list[str]:
        """The patterns that this channel matches.

        >>> Wildcards.patterns("chat/7/typing")
        ['*', 'chat/*', 'chat/7/*']
        """
        ends = [found.end() for _, found in zip(range(MAX_DEPTH), _SEPARATOR.finditer(channel), strict=False)]
        return ["*", *(f"{channel[:end]}*" for end in ends)]
