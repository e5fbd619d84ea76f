"""A process that ends when it is told to: from its first instant, and in time, whatever its threads and children do.

Imports nothing of this package, and little else: it is what runs first.

Rules:

1. A signal that comes before there is a server to take it is not lost. One to stop ends the process; so it does by
   itself, but for process 1, for which the kernel drops what has no handler. One to reload is kept for the server.
2. A process that is to end has a deadline. Python waits at its end for every thread that is no daemon and for children
   of ``multiprocessing``, and Twisted for its pool of threads: a filter in ``time.sleep(60)`` would hold them all.
3. What is still at work at the deadline is named, and lost.
4. A child that a filter forks is a program of its own: it has not the server's signals, by which nothing would end it.
"""

import faulthandler
import glob
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

KEPT = tuple(getattr(signal, name) for name in ("SIGHUP", "SIGUSR2") if hasattr(signal, name))
EXIT_SECONDS = 1.8
"""A process that has nothing more to do may take so long, as for a thread to end."""
TELL_SECONDS = 0.5
"""How long it may take to say what is lost."""


class Deadline:
    """When this process ends at the latest.

    :ivar tell: says what is lost: called in a thread of its own with the names of threads and what each of them runs;
        the main thread is among them if it is not through
    """

    def __init__(self) -> None:
        # Its put() is safe in a signal's handler, whatever was interrupted.
        self._orders: queue.SimpleQueue[tuple[float, int]] = queue.SimpleQueue()
        self._at = float("inf")
        self.tell: Callable[[dict[str, Any]], object] = lambda frames: None

    def begin(self) -> None:
        """Keep watch; until then a deadline means nothing, as in a program that only borrows a server."""
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()

    def within(self, seconds: float, code: int) -> None:
        """End by force after so many seconds, unless an earlier deadline holds already.

        :param code: the exit code then
        """
        self._at = min(self._at, time.monotonic() + seconds)
        self._orders.put((self._at, code))

    def _watch(self) -> None:
        at, code = self._orders.get()
        while True:
            try:
                at, code = self._orders.get(timeout=max(0.0, at - time.monotonic()))
            except queue.Empty:
                break
        # Without the interpreter's help, should telling hang too, as on a lock of standard error.
        with open(os.devnull, "w") as nowhere:
            faulthandler.dump_traceback_later(TELL_SECONDS, exit=True, file=nowhere)
            frames = sys._current_frames()
            main = threading.main_thread()
            busy = [each for each in threading.enumerate() if not each.daemon and (code or each is not main)]
            self.tell({each.name: frames.get(each.ident or 0) for each in busy})
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            os._exit(code)


deadline = Deadline()
"""That of this process."""
kept: list[int] = []
"""Signals that came before the server was there to take them."""


def begin() -> None:
    """Called once, before all that takes time to import."""
    deadline.begin()
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda number, frame: os._exit(128 + number))
    for each in KEPT:
        signal.signal(each, lambda number, frame: kept.append(number))
    os.register_at_fork(after_in_child=_have_no_signals)


def _have_no_signals() -> None:
    # Else they would wake the parent's reactor.
    signal.set_wakeup_fd(-1)
    for each in (signal.SIGTERM, *KEPT):
        signal.signal(each, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def children() -> list[int]:
    """The processes that this one has forked and that have not ended, where the system tells (Linux)."""
    found: list[int] = []
    for file in glob.glob("/proc/self/task/*/children"):
        try:
            with open(file) as each:
                found += map(int, each.read().split())
        except OSError:
            continue  # a thread that has ended
    return sorted(found)


def exits(code: object) -> None:
    """The program is through: what is left to do, by threads and hooks, has a deadline."""
    deadline.within(EXIT_SECONDS, code if isinstance(code, int) else code is not None)
