"""What a test leaves in the process that runs it: descriptors, threads and child processes.

What fixtures of a module or of the whole run begin within a test stays, and is not the test's: see `kept`.
"""

import gc
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.support.ledger.process_table import children, command, descriptors

DEADLINE = 15.0
"""Seconds that what is still ending may take; one that has ended takes none."""


class OwnProcess:
    """The books of this process.

    :param is_known: of a descriptor's target, a thread's name, a child's command line: it comes once, and stays
    """

    def __init__(self, is_known: Callable[[str], bool]) -> None:
        self._is_known = is_known
        self._before: set[str] = set()

    def begin(self) -> None:
        """A test begins."""
        self._before = self._now()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """What is begun inside stays for later tests."""
        before = self._now()
        try:
            yield
        finally:
            self._before |= self._now() - before

    def begun_again(self, former: int, process: int) -> None:
        """A child process takes the place of a former one: it stays if that was to stay."""
        if f"child process {former}" in self._before:
            self._before.add(f"child process {process}")

    def left(self, deadline: float = DEADLINE) -> list[str]:
        """What is there that was not there before, named: when it has had time to end."""
        if not self._more():
            return []
        gc.collect()
        end = time.monotonic() + deadline
        for thread in threading.enumerate():
            if f"thread {thread.name} {thread.ident}" in self._more():
                thread.join(max(0.0, end - time.monotonic()))
        while (more := self._more()) and time.monotonic() < end:
            # A process of its own closes them, or the reactor's thread: neither tells.
            threading.Event().wait(0.01)
        return sorted(map(_named, more))

    def _more(self) -> set[str]:
        return {each for each in self._now() - self._before if not self._is_known(_named(each))}

    def _now(self) -> set[str]:
        return {
            # Below 3 are pytest's, which captures what is printed.
            *(f"descriptor {number} {target}" for number, target in descriptors("self").items() if number > 2),
            *(f"thread {each.name} {each.ident}" for each in threading.enumerate()),
            *(f"child process {pid}" for pid in children(os.getpid())),
        }


def once(what: str) -> bool:
    """What a process of tests has once, whichever test comes first: it is not looked for any more."""
    return any(each in what for each in _ONCE)


_ONCE = (
    "thread reactor ",
    "thread PoolThread-twisted.internet.reactor-", "thread PoolThread-names of ",
    "multiprocessing.forkserver", "multiprocessing.resource_tracker",
    os.devnull, "/dev/urandom", ".hypothesis",
    "anon_inode:[eventpoll]",  # of the reactor, begun when first wanted; a loop of asyncio's is told by a warning
)  # fmt: skip

here = OwnProcess(once)
"""Those of this process, of the test that runs."""


def _named(what: str) -> str:
    """A socket with its addresses, a process with its command line, which it may change."""
    kind, number, *_ = what.split(" ")
    if kind == "descriptor" and "socket:" in what:
        with suppress(OSError), socket.socket(fileno=os.dup(int(number))) as found:
            with suppress(OSError):
                what += f" at {found.getsockname()}"
            with suppress(OSError):
                what += f" to {found.getpeername()}"
    return f"{what} {command(int(what.rpartition(' ')[2]))}" if what.startswith("child process ") else what
