"""Files that change while the server runs: for `--reload`, in development."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.task import LoopingCall

PERIOD = 0.5
"""Seconds between two looks."""


class Changes:
    """Calls when one of some files is not what it was.

    :param files: gives their paths now; they may become others
    :param call: called once for all that has changed since the last look
    """

    def __init__(self, files: Callable[[], Iterable[str]], call: Callable[[], object], clock: Any) -> None:
        self._files = files
        self._call = call
        self._seen = self._look()
        self._loop = LoopingCall(self._compare)
        self._loop.clock = clock

    def start(self) -> None:
        self._loop.start(PERIOD, now=False)

    def stop(self) -> None:
        if self._loop.running:
            self._loop.stop()

    def _look(self) -> dict[str, tuple[int, int]]:
        seen = {}
        for path in self._files():
            try:
                found = os.stat(path)
            except OSError:
                continue  # an editor is replacing it: it is there at the next look
            seen[path] = (found.st_mtime_ns, found.st_size)
        return seen

    def _compare(self) -> None:
        now = self._look()
        # A file that has vanished for a moment keeps its place, so that its return is no change.
        changed = any(self._seen.get(path, found) != found for path, found in now.items())
        self._seen |= now
        if changed:
            self._call()
