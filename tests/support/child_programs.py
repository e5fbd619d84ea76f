"""Programs that tests run as children of the reactor's thread."""

import os
from pathlib import Path
from typing import Any

from filtered_websocket.filters.exec_pipe.program import Program, environment
from tests.support.reactor_thread import call, until


class Run:
    """One run of a shell's script, and what it said.

    :ivar why: how it ended; "" while it runs
    """

    def __init__(self, script: str, longest: int = 1000, arguments: tuple[str, ...] = ()) -> None:
        self.said: list[bytes] = []
        self.why = ""
        self.taken = 0
        words = ["/bin/sh", "-c", script, "sh", *arguments]

        def start() -> Program:
            from twisted.internet import reactor

            return Program(
                reactor, words, environment(), longest=longest,
                said=self.said.extend, ended=self._ended, taken=self._taken,
            )  # fmt: skip

        self.program: Program = call(start)

    def _ended(self, why: str) -> None:
        self.why = why

    def _taken(self) -> None:
        self.taken += 1

    def tell(self, data: bytes) -> None:
        call(self.program.write, data)

    def stop(self, *arguments: Any, **keywords: Any) -> None:
        call(self.program.stop, *arguments, **keywords)

    def lines(self, count: int) -> list[bytes]:
        until(lambda: len(self.said) >= count)
        return self.said[:count]

    def end(self) -> str:
        return str(until(lambda: self.why))

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(at_once=True)
        self.end()


def runs(pid: int) -> bool:
    """Whether there is such a process that is more than its parent's memory of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def descriptors() -> set[str]:
    """The files that this process has open, as the system names them."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    return found
