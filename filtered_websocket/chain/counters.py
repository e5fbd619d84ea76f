"""What went wrong, counted, as those know it that stand below the counters."""

from collections.abc import Mapping
from typing import Any, Protocol

from twisted.internet.defer import Deferred


class Counters(Protocol):
    """What went wrong, counted."""

    @property
    def totals(self) -> Mapping[tuple[str, str], int]: ...
    def count(self, what: str, reason: str, detail: str = "", times: int = 1) -> None: ...
    def watch(self, deferred: Deferred[Any], reason: str) -> Deferred[Any]: ...
