"""Deferreds that the package has made, and nobody has fired."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any
from weakref import ReferenceType, ref

from twisted.internet.defer import Deferred

import filtered_websocket
from filtered_websocket.storage_objects.sqlite.writer import Writer

_PACKAGE = str(Path(filtered_websocket.__file__).parent)
PRUNED = 5000
"""Deferreds that are remembered before those that have fired are forgotten."""


class PendingDeferreds:
    """Those that are made while this counts, by the package or for it by Twisted: a test's own are its own."""

    def __init__(self) -> None:
        self._made: list[tuple[ReferenceType[Deferred[Any]], CodeType, int]] = []
        self._room = PRUNED

    @contextmanager
    def counted(self) -> Iterator[None]:
        plain = Deferred.__init__

        def init(deferred: Any, *arguments: Any, **named: Any) -> None:
            plain(deferred, *arguments, **named)
            frame = sys._getframe(1)
            while frame.f_code.co_filename.startswith(_TWISTED) and frame.f_back is not None:
                frame = frame.f_back
            if frame.f_code.co_filename.startswith(_PACKAGE) and frame.f_code is not _END_OF_A_THREAD:
                self._made.append((ref(deferred), frame.f_code, frame.f_lineno))
                if len(self._made) > self._room:
                    self.prune()

        Deferred.__init__ = init  # type: ignore[method-assign]
        try:
            yield
        finally:
            Deferred.__init__ = plain  # type: ignore[method-assign]

    def prune(self) -> None:
        """Forget those that have fired."""
        self._made = list(self._pending())
        self._room = PRUNED + 2 * len(self._made)

    def _pending(self) -> Iterator[tuple[ReferenceType[Deferred[Any]], CodeType, int]]:
        for each in self._made:
            deferred = each[0]()
            if deferred is not None and not deferred.called:
                yield each

    def left(self) -> list[str]:
        """Where those were made that are there still."""
        if not any(self._pending()):
            return []
        gc.collect()  # what only refers to itself waits for nothing
        return [
            f"a Deferred that nobody fires, of {code.co_qualname} ({code.co_filename}, line {line})"
            for _, code, line in self._pending()
        ]


_END_OF_A_THREAD = Writer.__init__.__code__
"""That fires with a thread's end, for which `own_process` looks; a storage object of the test's own ends later."""
_TWISTED = str(Path(sys.modules["twisted"].__file__ or "").parent)
