"""The open connections of a pipeline."""

from collections.abc import Iterator
from typing import Any


class Users(dict[str, Any]):
    """Connections by id. May be iterated, over several turns too, while clients come and go: a copy is iterated."""

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().__iter__()))

    def keys(self) -> Any:
        return list(super().keys())

    # Lists: to make one asks no key for its hash. The most that is done with either is to iterate.

    def values(self) -> Any:
        return list(super().values())

    def items(self) -> Any:
        return list(super().items())
