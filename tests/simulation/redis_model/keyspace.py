"""The keys of the model: their values, and when they end."""

from collections.abc import Callable
from typing import Any, TypeVar

from tests.simulation.redis_model.answers import Refusal
from tests.simulation.redis_model.sorted_set import SortedSet

Kind = TypeVar("Kind")
WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"


class Hash(dict[bytes, bytes]):
    """Its fields in the order in which they were put."""


class Set(dict[bytes, None]):
    """Its members in the order in which they were added: the same every time."""


class List(list[bytes]):
    pass


_COPIES: dict[type, Callable[[Any], Any]] = {bytes: bytes, Hash: Hash, Set: Set, List: List, SortedSet: SortedSet.copy}


class Keyspace:
    """
    :ivar microseconds: since 1970: the time of the command that runs
    :ivar now: the same in milliseconds
    :ivar ends: when keys end, in milliseconds
    :ivar changes: how many there have been
    """

    def __init__(self) -> None:
        self.values: dict[bytes, Any] = {}
        self.ends: dict[bytes, int] = {}
        self.changes = 0
        self.set_time(0)

    def set_time(self, microseconds: int) -> None:
        self.microseconds, self.now = microseconds, microseconds // 1000

    def find(self, key: bytes) -> Any:
        """Its value, None if there is none."""
        if key in self.ends and self.ends[key] < self.now:
            del self.values[key], self.ends[key]
        return self.values.get(key)

    def get(self, key: bytes, kind: type[Kind]) -> Kind | None:
        """
        :raises Refusal: the value is of another kind
        """
        found = self.find(key)
        if found is not None and type(found) is not kind:
            raise Refusal(WRONG_TYPE)
        return found

    def make(self, key: bytes, kind: type[Kind]) -> Kind:
        """The value to be changed, a new one if there is none. Raises as `get` does."""
        found = self.get(key, kind)
        if found is None:
            found = self.values[key] = kind()
        return found

    def put(self, key: bytes, value: Any) -> None:
        """In the place of what was there, with no end."""
        self.values[key] = value
        self.ends.pop(key, None)
        self.changes += 1

    def tidy(self, key: bytes, value: Any) -> None:
        """Nothing in Redis is empty: what has become so is gone."""
        if not value:
            self.values.pop(key, None)
            self.ends.pop(key, None)

    def drop(self, key: bytes) -> bool:
        """Whether it was there."""
        if self.find(key) is None:
            return False
        del self.values[key]
        self.ends.pop(key, None)
        self.changes += 1
        return True

    def clear(self) -> None:
        self.values.clear()
        self.ends.clear()
        self.changes += 1

    def copy(self) -> "Keyspace":
        copied = Keyspace()
        copied.values = {key: _COPIES[type(value)](value) for key, value in self.values.items()}
        copied.ends, copied.changes = self.ends.copy(), self.changes
        copied.set_time(self.microseconds)
        return copied
