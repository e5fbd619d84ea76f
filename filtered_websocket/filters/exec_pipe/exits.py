"""When a child has ended: told once, while it is still there to be reaped."""

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.abstract import FileDescriptor

LOOK_SECONDS = 0.05
"""Between two looks, where the system has no descriptor that tells."""


class _Descriptor(FileDescriptor):
    def __init__(self, reactor: Any, file: int, exited: Callable[[], object]) -> None:
        super().__init__(reactor)
        self._file, self._exited = file, exited
        self.startReading()

    def fileno(self) -> int:
        return self._file

    def doRead(self) -> None:
        self.stopReading()
        os.close(self._file)
        self._file = -1
        self._exited()


def when_exited(reactor: Any, pid: int, exited: Callable[[], object]) -> None:
    """Call `exited` when the child has, which is not reaped by that."""
    if hasattr(os, "pidfd_open"):
        _Descriptor(reactor, os.pidfd_open(pid), exited)
        return

    def look() -> None:
        try:
            runs = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:  # somebody else has reaped it
            runs = False
        if runs:
            reactor.callLater(LOOK_SECONDS, look)
        else:
            exited()

    look()
