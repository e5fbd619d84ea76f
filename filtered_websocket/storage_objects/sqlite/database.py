"""The file as an open database: begun, brought to this version, left."""

import sqlite3
import time
from urllib.parse import quote

from filtered_websocket.storage_objects.sqlite.schema import migrate

BUSY_SECONDS = 1.0
"""How long another program may write to the file before that is a fault."""


class Database:
    """
    :param file: the file's path; it exists
    :param begin: whether an empty file may be begun
    :raises sqlite3.Error: it cannot be opened, is no database, or another process has it
    :raises ValueError: it was written by a newer version, or is empty
    """

    def __init__(self, file: str, begin: bool = True) -> None:
        # Without the right to create: a file that was just deleted is not to be made anew, empty.
        # Transactions are begun and ended by the writer, by hand.
        uri = f"file:{quote(file)}?mode=rw"
        self.connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
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
        execute("COMMIT")

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
