"""What a test may not do to the reactor that it shares with all others."""

import fcntl
import os
import socket
from contextlib import suppress
from typing import Any

import pytest
from twisted.internet import reactor

from tests.support import reactor_thread
from tests.support.reactor_thread import call, until

shared: Any = reactor


class Reader:
    def __init__(self, connection: socket.socket) -> None:
        self.fileno, self.read = connection.fileno, b""
        self._connection = connection

    def doRead(self) -> None:
        self.read += self._connection.recv(100)

    def logPrefix(self) -> str:
        return "reader"


def test_a_call_in_another_thread_raises_there_and_is_told_once() -> None:
    call(lambda: None)
    here, there = socket.socketpair()
    with here, there:
        for name, *arguments in (
            ("addReader", Reader(here)), ("addWriter", Reader(here)), ("removeReader", Reader(here)),
            ("removeWriter", Reader(here)), ("callLater", 0, print),
        ):  # fmt: skip
            with pytest.raises(RuntimeError, match=f"^{name}.* in MainThread, not in the reactor's thread"):
                getattr(shared, name)(*arguments)
            (fault,) = reactor_thread.faults()
            assert fault.startswith(name)
            assert reactor_thread.faults() == []


@pytest.mark.parametrize("add", ["addReader", "addWriter"])
def test_a_descriptor_that_is_closed_elsewhere_is_told_once_and_harms_nobody_that_has_its_number_next(add: str) -> None:
    (here, there), (after, sends) = socket.socketpair(), socket.socketpair()
    with here, there, after, sends:
        # So high that nothing that other threads of this process open meanwhile gets it.
        number = fcntl.fcntl(here.fileno(), fcntl.F_DUPFD_CLOEXEC, 500)
        here.close()
        with socket.socket(fileno=number) as first:
            first.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    first.send(b"x" * 65536)
            call(getattr(shared, add), Reader(first))
        (fault,) = reactor_thread.faults()
        assert fault.startswith(f"descriptor {number} of <")
        assert reactor_thread.faults() == []
        with socket.socket(fileno=os.dup2(after.fileno(), number)) as second:
            reader = Reader(second)
            call(shared.addReader, reader)
            sends.send(b"heard")
            until(lambda: reader.read == b"heard")
            call(shared.removeReader, reader)
