"""Lines of standard input for a program that does other things meanwhile: from a file, a pipe, a terminal."""

import asyncio
import os
import threading
from collections import deque

CHUNK = 65536
MOST = 256
"""Lines of one batch."""
WAITING = 1024
"""Lines that are read ahead."""


class StandardInput:
    """Reads in a thread, since files and terminals are nothing a selector takes; no further ahead than `WAITING`.

    To be made while an event loop runs.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines: deque[bytes | None] = deque()
        self._room = threading.Semaphore(WAITING)
        self._more = asyncio.Event()
        # A daemon, and no object of sys: at the end nobody waits for it, and it holds no lock that the end wants.
        threading.Thread(target=self._read, daemon=True).start()

    async def batch(self) -> list[bytes]:
        """The lines that are there, at least one, without their ends; none at the end of the input."""
        while not self._lines:
            self._more.clear()
            if not self._lines:
                await self._more.wait()
        lines: list[bytes] = []
        while self._lines and len(lines) < MOST and (line := self._lines[0]) is not None:
            lines.append(line)
            self._lines.popleft()
            self._room.release()
        return lines

    def _read(self) -> None:
        rest = b""
        try:
            while chunk := _chunk():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._put(line)
            if rest:
                self._put(rest)
            self._put(None)
        except RuntimeError:
            pass  # the loop is closed: nobody wants more

    def _put(self, line: bytes | None) -> None:
        """:raises RuntimeError: the loop is closed"""
        self._room.acquire()
        self._lines.append(line)
        # No coroutine: one that is handed to a loop that ends is never awaited, and Python complains of it.
        self._loop.call_soon_threadsafe(self._more.set)


def _chunk() -> bytes:
    try:
        return os.read(0, CHUNK)
    except OSError:
        return b""  # closed, or a terminal that has gone
