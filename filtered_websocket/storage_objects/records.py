"""Records in this process's memory: values with a time to live, each of an owner. Old ones go away in passing."""

import time
from collections import OrderedDict
from collections.abc import Collection

from filtered_websocket.storage_objects.base import Record
from filtered_websocket.storage_objects.values import as_bytes, as_value, check_text

SLICE = 2
"""Records that each write looks at for what has become too old."""


class Records:
    """All of them, those that were not looked at for longest first."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, tuple[float, Record]] = OrderedDict()

    def store(
        self, key: str, value: str | bytes | None, seconds: float, owner: str, only_if: Collection[str] | None
    ) -> bool:
        check_record(key, seconds, owner, only_if)
        stored = None if value is None else as_value(as_bytes(value))
        for _ in range(min(SLICE, len(self._records))):
            name, (expires, record) = self._records.popitem(last=False)
            if expires > time.monotonic():
                self._records[name] = expires, record
        there = self.load(key)
        if only_if is not None and (there.owner if there is not None else "") not in only_if:
            return False
        if stored is None:
            self._records.pop(key, None)
        else:
            self._records[key] = time.monotonic() + seconds, Record(stored, owner)
        return True

    def load(self, key: str) -> Record | None:
        expires, record = self._records.get(key, (0.0, None))
        return record if expires > time.monotonic() else None

    def take(self, key: str, owner: str) -> Record | None:
        there = self.load(key)
        if there is not None:
            self._records[key] = self._records[key][0], Record(there.value, owner)
        return there

    def __len__(self) -> int:
        return len(self._records)


def check_record(key: str, seconds: float, owner: str, only_if: Collection[str] | None) -> None:
    """
    :raises TypeError, ValueError: what no record can be stored with
    """
    check_text(key, owner, *(only_if or ()))
    if isinstance(only_if, str):
        raise TypeError("a collection of owners is wanted, not a str")
    if not 0.001 <= seconds < 1e9:
        raise ValueError(f"a record lives for a millisecond and more, not for {seconds!r} seconds")
