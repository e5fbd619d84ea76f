"""What went wrong, counted, as those know it that stand below the counters."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

from twisted.internet.defer import Deferred


class Figure(NamedTuple):
    """What a filter has at /metrics, one value of it. Those of one name and the same labels are added up.

    :ivar name: without ``fws_`` before it, and ``_total`` behind it
    :ivar labels: pairs of name and value; all figures of one name have the same names
    """

    kind: Literal["counter", "gauge"]
    name: str
    text: str
    labels: tuple[tuple[str, str], ...]
    value: float


class Counters(Protocol):
    """What went wrong, counted."""

    @property
    def figures(self) -> list[Callable[[], Iterable[Figure]]]:
        """What filters have at /metrics: called when it is asked for."""

    @property
    def totals(self) -> Mapping[tuple[str, str], int]: ...
    def count(self, what: str, reason: str, detail: str = "", times: int = 1) -> None: ...
    def watch(self, deferred: Deferred[Any], reason: str) -> Deferred[Any]: ...
