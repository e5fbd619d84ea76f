"""The file of SQLite storage on its disk: one server has it, no other user may read it, and it is noticed when it goes.

SQLite's own locks do not say that another server is there, since other programs (a backup) are to read while the
server runs. So a file beside it, ``-lock``, is locked. Rule: nothing here opens a database's own files beside SQLite,
since to close one of them would drop the locks that SQLite holds (POSIX, fcntl).
"""

import errno
import fcntl
import os
import stat
from typing import NamedTuple

MAGIC = b"SQLite format 3\0"
OTHERS = stat.S_IROTH | stat.S_IWOTH | stat.S_IXOTH

_claimed: set[str] = set()
"""Paths that this process has."""


class Identity(NamedTuple):
    """Which files have the names of the database, its log and its shared memory: device and inode, None for none."""

    database: tuple[int, int] | None
    log: tuple[int, int] | None
    shared: tuple[int, int] | None


class DatabaseFile:
    """
    :param path: of the database
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.realpath(path)
        self._lock: int | None = None

    def claim(self) -> None:
        """Have the file for this server alone; make it if there is none, readable by its owner only.

        :raises OSError: it cannot be made or reached
        :raises ValueError: another server has it
        """
        lock = os.open(f"{self.path}-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise ValueError("another server uses it") from None
        self._lock = lock
        _claimed.add(self.path)
        try:
            # SQLite gives the log and the shared memory the mode of the database.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except FileExistsError:
            self._hide()

    def release(self) -> None:
        """Let another server have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            _claimed.discard(self.path)

    def identity(self) -> Identity:
        return Identity(_inode(self.path), _inode(f"{self.path}-wal"), _inode(f"{self.path}-shm"))

    def _hide(self) -> None:
        """Files that all can read, as versions before made them, are the owner's from now on. A group that was let in
        was let in on purpose."""
        for path in (self.path, f"{self.path}-wal", f"{self.path}-shm"):
            try:
                if os.stat(path).st_mode & OTHERS:
                    os.chmod(path, 0o600)
            except (FileNotFoundError, PermissionError):
                continue  # there is none, or it is another user's


def look_at(path: str) -> None:
    """Whether a server could begin with this file. One that this process has it can: a reload asks again.

    :raises OSError: it cannot be reached or made
    :raises ValueError: it is no database
    """
    path = os.path.realpath(path)
    if path in _claimed:
        return  # looking would close a file that SQLite has locks on
    folder = os.path.dirname(path)
    os.stat(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    try:
        with open(path, "r+b") as file:
            begin = file.read(len(MAGIC))
    except FileNotFoundError:
        return
    if begin not in (b"", MAGIC):
        raise ValueError("file is not a database")


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
