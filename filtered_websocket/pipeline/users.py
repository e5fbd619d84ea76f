"""The open connections of a pipeline."""

from collections.abc import Iterator

from filtered_websocket.chain.interfaces import Connection


class Users(dict[str, Connection]):
    """Connections by id. May be iterated, over several turns too, while clients come and go: a copy is iterated."""

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().__iter__()))

    def keys(self) -> list[str]:  # type: ignore[override]  # a list, for a view
        return list(super().keys())

    # Lists: to make one asks no key for its hash. The most that is done with either is to iterate.

    def values(self) -> list[Connection]:  # type: ignore[override]
        return list(super().values())

    def items(self) -> list[tuple[str, Connection]]:  # type: ignore[override]
        return list(super().items())
