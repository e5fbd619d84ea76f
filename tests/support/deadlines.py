"""Waits that have no deadline of their own, or that go on in silence behind theirs."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.raw_client import DEADLINE


def joined(thread: threading.Thread, deadline: float = DEADLINE) -> None:
    """Wait until a thread has ended; one that does not is a failure."""
    thread.join(deadline)
    assert not thread.is_alive(), f"{thread.name} has not ended within {deadline:g} s"


@contextmanager
def limited(process: "subprocess.Popen[Any]", deadline: float = DEADLINE) -> Iterator[None]:
    """What reads a program's lines within it ends when the time is up: the program is killed."""
    late = threading.Event()

    def kill() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(deadline, kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join(deadline)
        assert not late.is_set(), f"nothing more within {deadline:g} s from {process.args}"
