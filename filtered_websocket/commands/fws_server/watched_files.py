"""Files that change while the server runs: for `--reload`, in development."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from filtered_websocket.pipeline.importing import checksum

_log = Logger()

PERIOD = 0.25
"""Seconds between two looks."""
COARSE = 2.0
"""Seconds: the coarsest file systems count time in steps as long. Two saves within one may leave the same times."""


class Changes:
    """Calls when some files hold something else, and have come to rest: an editor or a deploy writes in several steps.

    :param files: gives their paths now, which may become others, and for each the checksum of what was read from it;
        None if there was nothing to read
    :param call: called once for all that has changed
    """

    def __init__(self, files: Callable[[], Mapping[str, int | None]], call: Callable[[], object], clock: Any) -> None:
        self._files = files
        self._call = call
        self._seen: dict[str, tuple[tuple[int, ...], int]] = {}
        self._unrest = False
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock

    def start(self) -> None:
        looking = self._loop.start(PERIOD, now=False)
        looking.addErrback(lambda failure: _log.failure("changes are not looked for any more: restart", failure))

    def stop(self) -> None:
        if self._loop.running:
            self._loop.stop()

    def _look(self) -> None:
        changed = False
        for path, read in self._files().items():
            before = self._seen.get(path)
            try:
                now = _looked_at(path, before)
            except OSError:
                continue  # an editor is replacing it: it is there at the next look
            self._seen[path] = now
            changed |= now[1] != read and (before is None or now[1] != before[1])
        if self._unrest and not changed:
            self._call()
        self._unrest = changed


def _looked_at(path: str, before: tuple[tuple[int, ...], int] | None) -> tuple[tuple[int, ...], int]:
    """The state of a file, and the checksum of what is in it. It is read again only where it may have changed."""
    found = os.stat(path)
    state = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
    at_rest = time.time() - max(found.st_mtime, found.st_ctime) > COARSE
    if before is not None and before[0] == state and at_rest:
        return before
    with open(path, "rb") as file:
        return state, checksum(file.read())
