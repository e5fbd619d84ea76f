"""The file as an open database: begun, brought to this version, left."""

import sqlite3
import time
from urllib.parse import quote
from uuid import uuid4

from filtered_websocket.storage_objects.sqlite.schema import migrate

BUSY_SECONDS = 1.0
"""How long another program may write to the file before that is a fault."""

SURROUNDINGS = frozenset(
    (
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    )
)
"""Errors of the file or its disk, not of a statement."""


class Database:
    """
    :param file: the file's path; it exists
    :param begin: whether an empty file may be begun
    :raises sqlite3.Error: it cannot be opened, is no database, or another process has it
    :raises ValueError: it was written by a newer version, or is empty
    :ivar reign: the number of the present one (`schema.py`)
    """

    def __init__(self, file: str, begin: bool = True) -> None:
        # Without the right to create: a file that was just deleted is not to be made anew, empty.
        # Transactions are begun and ended by the writer, by hand.
        uri = f"file:{quote(file)}?mode=rw"
        self.connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
        self.reign, self._stamp, self._version, self._stamped = 0, "", 0, False
        # What ends at a time ends after its interval, whatever is done to the wall clock while the process runs.
        self._ahead = time.time() - time.monotonic()
        try:
            self._open(begin)
        except BaseException:
            self.connection.close()
            raise

    def _open(self, begin: bool) -> None:
        execute = self.connection.execute
        execute("PRAGMA journal_mode = WAL")  # others read, a backup say, while this writes
        execute("PRAGMA synchronous = FULL")  # a commit is on disk when it returns
        execute("BEGIN IMMEDIATE")
        migrate(self.connection, begin)
        self._ascend()
        execute("COMMIT")
        self._version = self._data_version()

    def begin(self) -> None:
        """Begin a transaction. If another program has put other data into the file, a new reign begins in it."""
        self.connection.execute("BEGIN IMMEDIATE")
        self._stamped = False
        version = self._data_version()
        if version != self._version:
            self._version = version
            if self._about() != (self.reign, self._stamp):
                self._ascend()

    def stamp(self) -> None:
        """Something is appended in this transaction."""
        if not self._stamped:
            self._stamped, self._stamp = True, uuid4().hex
            self.connection.execute("UPDATE about SET stamp = ?", (self._stamp,))

    def _ascend(self) -> None:
        self.connection.execute("UPDATE about SET reign = reign + 1")
        self.reign, self._stamp = self._about()

    def _about(self) -> tuple[int, str]:
        about: tuple[int, str] = self.connection.execute("SELECT reign, stamp FROM about").fetchone()
        return about

    def _data_version(self) -> int:
        """A number that changes when another program has written to the file."""
        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def probe(self) -> None:
        """Write something, as it is. In a transaction."""
        migrate(self.connection, False)

    def leave(self) -> None:
        """Close the file for another one of its name. What is in the log goes into the database that it belongs to,
        else SQLite would take it for the log of the other.

        :raises sqlite3.Error: that failed; nothing is closed
        """
        (busy, *_) = self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("another program reads or writes it")
        self.connection.close()

    def now(self) -> float:
        return time.monotonic() + self._ahead


def is_surroundings(error: Exception) -> bool:
    """Whether the file or its disk is to blame, and not a statement."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in SURROUNDINGS
