"""The reactor that all tests of a process share. It says which test has left it out of order.

Twisted notes a descriptor in a table, beside the epoll that watches it. The two come apart when a thread other than the
reactor's adds or removes one, and when one is closed by whoever does not own it. The test that does so passes; a later
one fails, whose connection is given that number.
"""

import re
import threading
from pathlib import Path
from select import EPOLLIN, EPOLLOUT
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.python.threadable import isInIOThread

_WATCHED = re.compile(r"^tfd:\s+(\d+) events:\s+([0-9a-f]+)", re.MULTILINE)


class SharedReactor(EPollReactor):
    """Twisted's, which is called in its own thread alone while it runs.

    :ivar strays: calls from other threads since `faults` was last asked; each has raised where it was made, but what
        raises there may be caught
    """

    _reads: set[int]
    _writes: set[int]

    def __init__(self) -> None:
        super().__init__()
        self.strays: list[str] = []

    def addReader(self, reader: Any) -> None:
        self._check_thread(f"addReader({reader!r})")
        super().addReader(reader)

    def addWriter(self, writer: Any) -> None:
        self._check_thread(f"addWriter({writer!r})")
        super().addWriter(writer)

    def removeReader(self, reader: Any) -> None:
        self._check_thread(f"removeReader({reader!r})")
        super().removeReader(reader)

    def removeWriter(self, writer: Any) -> None:
        self._check_thread(f"removeWriter({writer!r})")
        super().removeWriter(writer)

    def callLater(self, delay: float, function: Any, *args: Any, **kwargs: Any) -> Any:
        self._check_thread(f"callLater({delay!r}, {function!r})")
        return super().callLater(delay, function, *args, **kwargs)

    def is_in_order(self) -> bool:
        """Any thread may ask. No may be wrong: the reactor may be between its two notes."""
        return not self.strays and self._noted() == self._watched()

    def faults(self) -> list[str]:
        """What is wrong, told once: it is put right, too, so that no later test fails for it.

        Its own thread asks.
        """
        told, self.strays = self.strays, []
        noted, watched = self._noted(), self._watched()
        for fd in {fd for fd, _ in noted ^ watched}:
            owner = self._selectables.pop(fd, None)
            told.append(
                f"descriptor {fd} of {owner!r} is not watched as the reactor has noted it: it was closed elsewhere"
            )
            self._reads.discard(fd)
            self._writes.discard(fd)
        return told

    def _check_thread(self, called: str) -> None:
        if self.running and not isInIOThread():
            stray = (
                f"{called} in {threading.current_thread().name}, not in the reactor's thread: use reactor_thread.call"
            )
            self.strays.append(stray)
            raise RuntimeError(stray)

    def _noted(self) -> set[tuple[int, str]]:
        return {(fd, "read") for fd in self._reads.copy()} | {(fd, "write") for fd in self._writes.copy()}

    def _watched(self) -> set[tuple[int, str]]:
        """The same as the kernel has it."""
        found = set()
        for fd, events in _WATCHED.findall(Path(f"/proc/self/fdinfo/{self._poller.fileno()}").read_text()):
            mask = int(events, 16)
            found |= {(int(fd), name) for name, bit in (("read", EPOLLIN), ("write", EPOLLOUT)) if mask & bit}
        return found
