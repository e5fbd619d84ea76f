"""Where a parser of ours and another of the same thing may differ, and why: nowhere else.

For each thing that is parsed a module tells what ours and theirs make of the same input, where both part, and in a
table of differences where they may. A property holds that nothing else differs, a test that each difference is one.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Difference(NamedTuple):
    """
    :ivar what: what ours does otherwise, one line
    :ivar reason: why that is right
    :ivar section: of the specification that says so or leaves it open
    :ivar example: an input on which they differ by this
    :ivar applies: whether the place where both part is of this kind
    """

    what: str
    reason: str
    section: str
    example: Any
    applies: Callable[[Any], object]


def explain(parted: Any, table: Sequence[Difference]) -> list[Difference]:
    """The differences that a place is of where both part; none where that is None, and they agree.

    :raises AssertionError: they part, and nothing in the table says why
    """
    if parted is None:
        return []
    found = [each for each in table if each.applies(parted)]
    assert found, f"nothing in the table explains {parted}"
    return found


def ids(table: Sequence[Difference]) -> list[str]:
    """The names of the tests of a table."""
    return [each.what for each in table]
