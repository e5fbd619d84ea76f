"""Lines of standard input for a program that does other things meanwhile: from a file, a pipe, a terminal."""

import asyncio
import os
import threading

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
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING)
        # A daemon, and no object of sys: at the end nobody waits for it, and it holds no lock that the end wants.
        threading.Thread(target=self._read, daemon=True).start()

    async def batch(self) -> list[bytes]:
        """The lines that are there, at least one, without their ends; none at the end of the input."""
        lines: list[bytes] = []
        while not lines or (len(lines) < MOST and not self._lines.empty()):
            line = await self._lines.get()
            if line is None:
                self._lines.put_nowait(None)
                break
            lines.append(line)
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
        asyncio.run_coroutine_threadsafe(self._lines.put(line), self._loop).result()


def _chunk() -> bytes:
    try:
        return os.read(0, CHUNK)
    except OSError:
        return b""  # closed, or a terminal that has gone
