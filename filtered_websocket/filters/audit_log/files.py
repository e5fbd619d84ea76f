"""Where lines go: a file that rotates, or a descriptor that is open. Both block, and are for a thread."""

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate, takewhile


class Output:
    """
    :param descriptor: that is open, and stays so
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, lines: Sequence[bytes]) -> int:
        """Write these; how many they are.

        :raises OSError: not all of it is written
        """
        _write(self._descriptor, b"".join(lines))
        return len(lines)

    def close(self) -> None:
        """It is not ours."""


class RotatingFile:
    """A file that lines are appended to. Several processes may have the same.

    Rules:

    1. It is readable by its owner alone.
    2. One that was moved or deleted is left, and made anew.
    3. Before it would be larger than `size` it is put aside, by one process while the others wait for its lock on the
       file. Then they find that it was moved.
    4. A line that a full disk cut off is the last of its line: what follows begins anew.

    :param size: bytes
    :param files: how many are kept beside it
    """

    def __init__(self, path: str, size: int, files: int) -> None:
        self._path, self._size, self._files = path, size, files
        self._descriptor = -1
        self._is_torn = False

    def write(self, lines: Sequence[bytes]) -> int:
        """Write as many of these as one file has room for, one at least; how many they are.

        :raises OSError: not all of that is written
        """
        self._open()
        while 0 < (size := os.fstat(self._descriptor).st_size) > self._size - len(lines[0]):
            self._rotate()
        room = self._size - size
        count = max(1, len(list(takewhile(lambda end: end <= room, accumulate(map(len, lines))))))
        begun, self._is_torn = (b"\n" if self._is_torn else b""), True
        _write(self._descriptor, begun + b"".join(lines[:count]))
        self._is_torn = False
        return count

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        if self._descriptor >= 0 and self._is_there():
            return
        self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)

    def _is_there(self) -> bool:
        """Whether the path is still that of the open file."""
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def _rotate(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)  # until it is closed
        if self._is_there():
            for number in range(self._files, 0, -1):
                before = f"{self._path}.{number - 1}" if number > 1 else self._path
                with suppress(FileNotFoundError):
                    os.replace(before, f"{self._path}.{number}")
            if not self._files:
                os.unlink(self._path)
        self._open()


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
