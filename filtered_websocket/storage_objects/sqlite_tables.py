"""The tables of SQLite storage and every statement on them; no thread and no Deferred here.

Names and values are blobs, as ``as_bytes`` makes them. Times are the wall clock's: they outlive the process.
"""

import sqlite3
import time

from filtered_websocket.storage_objects.history import EPOCH_SECONDS

VERSION = 1
SCHEMA = """
CREATE TABLE sets (key BLOB, value BLOB, PRIMARY KEY (key, value)) WITHOUT ROWID;
CREATE TABLE maps (key BLOB, field BLOB, value BLOB, PRIMARY KEY (key, field)) WITHOUT ROWID;
CREATE TABLE channels (channel BLOB PRIMARY KEY, epoch TEXT, top INTEGER, expires REAL);
CREATE TABLE history (channel BLOB, offset INTEGER, expires REAL, body BLOB, PRIMARY KEY (channel, offset));
CREATE INDEX channels_by_expiry ON channels (expires) WHERE expires IS NOT NULL;
CREATE INDEX history_by_expiry ON history (expires) WHERE expires IS NOT NULL;
"""
PURGE_EVERY = 1000
"""Appends between looks for what has expired on any channel."""


class Tables:
    """
    :param file: the file's path
    :raises sqlite3.Error: it cannot be opened, is no database, or another process has it
    :raises ValueError: it was written by a newer version
    """

    def __init__(self, file: str) -> None:
        # Transactions are begun and ended by the writer, by hand.
        self.connection = sqlite3.connect(file, isolation_level=None, timeout=0.2)
        self._appends = 0
        try:
            self._open()
        except BaseException:
            self.connection.close()
            raise

    def _open(self) -> None:
        execute = self.connection.execute
        # The lock is held as long as the file is open: two processes on one file would not see each other's
        # publications, so the second is refused. It also spares the shared-memory file.
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")  # a commit is on disk when it returns
        execute("BEGIN IMMEDIATE")
        (version,) = execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise ValueError(f"written by a newer version (format {version}, known {VERSION})")
        if version == 0:
            for statement in SCHEMA.split(";")[:-1]:
                execute(statement)
            execute(f"PRAGMA user_version = {VERSION}")
        execute("COMMIT")

    def get(self, key: bytes) -> list[bytes]:
        return [value for (value,) in self.connection.execute("SELECT value FROM sets WHERE key = ?", (key,))]

    def add(self, key: bytes, value: bytes) -> bool:
        return self._changed("INSERT OR IGNORE INTO sets VALUES (?, ?)", key, value)

    def remove(self, key: bytes, value: bytes) -> bool:
        return self._changed("DELETE FROM sets WHERE key = ? AND value = ?", key, value)

    def put(self, key: bytes, field: bytes, value: bytes, only_new: bool) -> bool:
        verb = "INSERT OR IGNORE" if only_new else "INSERT OR REPLACE"
        return self._changed(f"{verb} INTO maps VALUES (?, ?, ?)", key, field, value)

    def fields(self, key: bytes) -> list[tuple[bytes, bytes]]:
        return self.connection.execute("SELECT field, value FROM maps WHERE key = ?", (key,)).fetchall()

    def delete(self, key: bytes, field: bytes | None) -> bool:
        if field is None:
            return self._changed("DELETE FROM maps WHERE key = ?", key)
        return self._changed("DELETE FROM maps WHERE key = ? AND field = ?", key, field)

    def append(self, channel: bytes, body: bytes, count: int, seconds: float, new_epoch: str) -> tuple[str, int]:
        """The position it gets."""
        execute = self.connection.execute
        now = time.time()
        expires = now + seconds if seconds else None
        epoch, top = self.position(channel, new_epoch)
        top += 1
        execute(
            "UPDATE channels SET top = ?, expires = ? WHERE channel = ?",
            (top, expires and expires + EPOCH_SECONDS, channel),
        )
        execute("INSERT INTO history VALUES (?, ?, ?, ?)", (channel, top, expires, body))
        execute("DELETE FROM history WHERE channel = ? AND offset <= ?", (channel, top - count))
        self._appends += 1
        if self._appends % PURGE_EVERY == 1:
            execute("DELETE FROM history WHERE expires <= ?", (now,))
            execute("DELETE FROM channels WHERE expires <= ?", (now,))
        return epoch, top

    def position(self, channel: bytes, new_epoch: str) -> tuple[str, int]:
        found = self._where(channel)
        if found is None:
            expires = time.time() + EPOCH_SECONDS
            self.connection.execute("INSERT INTO channels VALUES (?, ?, 0, ?)", (channel, new_epoch, expires))
            return new_epoch, 0
        return found

    def since(self, channel: bytes, epoch: str, offset: int) -> list[tuple[str, int, bytes]] | None:
        """``(epoch, offset, body)`` of each after that, None if some are missing."""
        found = self._where(channel)
        if found is None or found[0] != epoch or offset > found[1]:
            return None
        rows = self.connection.execute(
            "SELECT ?, offset, body FROM history WHERE channel = ? AND offset > ? AND (expires IS NULL OR expires > ?)"
            " ORDER BY offset",
            (epoch, channel, offset, time.time()),
        ).fetchall()
        return rows if len(rows) == found[1] - offset else None

    def latest(self, channel: bytes, skip: int, count: int) -> list[tuple[str, int, bytes]]:
        found = self._where(channel)
        if found is None:
            return []
        return self.connection.execute(
            "SELECT ?, offset, body FROM history WHERE channel = ? AND (expires IS NULL OR expires > ?)"
            " ORDER BY offset DESC LIMIT ? OFFSET ?",
            (found[0], channel, time.time(), count, skip),
        ).fetchall()

    def _where(self, channel: bytes) -> tuple[str, int] | None:
        return self.connection.execute("SELECT epoch, top FROM channels WHERE channel = ?", (channel,)).fetchone()

    def _changed(self, statement: str, *values: bytes) -> bool:
        return self.connection.execute(statement, values).rowcount > 0
