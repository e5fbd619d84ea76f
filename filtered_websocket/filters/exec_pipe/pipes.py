"""The ends of pipes that a child holds the other end of, as the reactor knows them."""

import os
from collections.abc import Callable
from typing import Any

from twisted.internet import fdesc
from twisted.internet.abstract import FileDescriptor
from twisted.internet.main import CONNECTION_LOST

READ_SIZE = 65536
MAX_READ = 1024 * 1024
"""Bytes that are read at a time, and behind a child's end: as many as a pipe may hold."""


class Reading(FileDescriptor):
    """What a child says.

    :param said: called with what has been read
    """

    def __init__(self, reactor: Any, file: int, said: Callable[[bytes], object]) -> None:
        super().__init__(reactor)
        self._file, self._said = file, said
        fdesc.setNonBlocking(file)
        self.startReading()

    def fileno(self) -> int:
        return self._file

    def start(self) -> None:
        if self._file >= 0:
            self.startReading()

    def doRead(self) -> Any:
        return CONNECTION_LOST if self.read() else None

    def read(self) -> bool:
        """Read what lies there now, and tell of it at once.

        :returns: whether the other end is closed
        """
        parts: list[bytes] = []
        size, closed = 0, False
        while size < MAX_READ and self._file >= 0:
            try:
                data = os.read(self._file, READ_SIZE)
            except BlockingIOError:
                break
            if not data:
                closed = True
                break
            parts.append(data)
            size += len(data)
        if parts:
            self._said(b"".join(parts))
        return closed

    def read_rest(self) -> None:
        """Read what lies there, and close. Something that the child has left behind may hold the other end for ever."""
        self.read()
        self.connectionLost(None)

    def connectionLost(self, reason: Any) -> None:
        if self._file >= 0:
            self.stopReading()
            os.close(self._file)
            self._file = -1


class Writing(FileDescriptor):
    """What a child is told.

    :param taken: called when the child has taken all that was written
    :ivar waiting: bytes that it has not
    """

    def __init__(self, reactor: Any, file: int, taken: Callable[[], object]) -> None:
        super().__init__(reactor)
        self._file, self._taken = file, taken
        self.connected = 1
        self.waiting = 0
        fdesc.setNonBlocking(file)

    def fileno(self) -> int:
        return self._file

    def write(self, data: bytes) -> None:
        if self.connected:
            self.waiting += len(data)
            super().write(data)

    def writeSomeData(self, data: bytes) -> Any:
        written = fdesc.writeToFD(self._file, data)
        if isinstance(written, int) and written > 0:
            self.waiting -= written
        return written

    def doWrite(self) -> Any:
        result = super().doWrite()
        if not self.waiting:
            self._taken()
        return result

    def close(self) -> None:
        """Also where something is not taken yet."""
        self.connectionLost(None)

    def connectionLost(self, reason: Any) -> None:
        if self._file >= 0:
            self.connected = 0
            self.stopReading()
            self.stopWriting()
            os.close(self._file)
            self._file = -1
            self.waiting = 0
