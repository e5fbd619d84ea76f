# ruff: noqa: S608 -- statements made of constants
"""The tables of SQLite storage (`schema.py`) and every statement on them; no thread and no Deferred here."""

import sqlite3
import time
from urllib.parse import quote

from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.storage_objects.base import EPOCH_SECONDS, Keep
from filtered_websocket.storage_objects.sqlite.schema import FOR_EVER, migrate

PURGE_EVERY = 1000
"""Appends between looks for what has expired on any channel."""
BUSY_SECONDS = 1.0
"""How long another program may write to the file before that is a fault."""


class Tables:
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
        self._appends = self._stores = 0
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

    def store(
        self, key: bytes, value: bytes | None, seconds: float, owner: bytes, only_if: frozenset[bytes] | None
    ) -> bool:
        execute, now = self.connection.execute, self._now()
        if only_if is not None:
            there = self.load(key)
            if (there[1] if there is not None else b"") not in only_if:
                return False
        if value is None:
            execute("DELETE FROM records WHERE key = ?", (key,))
        else:
            execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", (key, value, owner, now + seconds))
        self._stores += 1
        if self._stores % PURGE_EVERY == 1:
            execute("DELETE FROM records WHERE expires <= ?", (now,))
        return True

    def load(self, key: bytes) -> tuple[bytes, bytes] | None:
        """Value and owner."""
        found: tuple[bytes, bytes] | None = self.connection.execute(
            "SELECT value, owner FROM records WHERE key = ? AND expires > ?", (key, self._now())
        ).fetchone()
        return found

    def take(self, key: bytes, owner: bytes) -> tuple[bytes, bytes] | None:
        there = self.load(key)
        if there is not None:
            self.connection.execute("UPDATE records SET owner = ? WHERE key = ?", (owner, key))
        return there

    def append(
        self, channel: bytes, body: bytes, keep: Keep, new_epoch: str, once: bytes | None
    ) -> tuple[tuple[str, int], dict[str, int] | None]:
        """The position it gets, and how many publications left before their time for each limit. None: it was not
        appended, since one of this name is kept; that one's position."""
        execute = self.connection.execute
        now = self._now()
        if once is not None and (before := self._find(channel, once, now)) is not None:
            return before, None
        expires = now + keep.seconds if keep.seconds else None
        (epoch, top), dropped = self.position(channel, keep.pool, new_epoch)
        pool = self._pool(keep.pool)
        top += 1
        execute(
            "UPDATE channels SET top = ?, expires = ?, pool = ?, ends = ? WHERE channel = ?",
            (top, expires and expires + keep.meta_seconds, pool, expires or FOR_EVER + now, channel),
        )
        execute(
            "INSERT INTO history (channel, offset, expires, body, pool, once) VALUES (?, ?, ?, ?, ?, ?)",
            (channel, top, expires, body, pool, once),
        )
        execute("DELETE FROM history WHERE channel = ? AND offset <= ?", (channel, top - keep.count))
        if keep.bytes:
            self._trim(channel, keep.bytes)
        self._appends += 1
        if self._appends % PURGE_EVERY == 1:
            execute("DELETE FROM history WHERE expires <= ?", (now,))
            execute("DELETE FROM channels WHERE expires <= ?", (now,))
        if keep.pool.bytes and (lost := self._drop_oldest(pool, keep.pool.bytes, now)):
            dropped["history_bytes"] = lost
        return (epoch, top), dropped

    def position(self, channel: bytes, pool: Pool, new_epoch: str) -> tuple[tuple[str, int], dict[str, int]]:
        found = self.where(channel)
        if found is not None:
            return found, {}
        now = self._now()
        self._forget(channel)  # it may be too old
        number = self._pool(pool)
        lost = self._make_room(number, pool.channels, now) if pool.channels else 0
        self.connection.execute(
            "INSERT INTO channels (channel, epoch, top, expires, pool, ends) VALUES (?, ?, 0, ?, ?, ?)",
            (channel, new_epoch, now + EPOCH_SECONDS, number, now),
        )
        return (new_epoch, 0), {"history_channels": lost} if lost else {}

    def _pool(self, pool: Pool) -> int:
        """The number of a pool."""
        execute = self.connection.execute
        found = execute("SELECT pool FROM pools WHERE name = ?", (pool.name,)).fetchone()
        if found is None:
            found = (execute("INSERT INTO pools (name, bytes, channels) VALUES (?, 0, 0)", (pool.name,)).lastrowid,)
        return int(found[0])

    def _find(self, channel: bytes, once: bytes, now: float) -> tuple[str, int] | None:
        """The position of what is kept by this name."""
        found: tuple[str, int] | None = self.connection.execute(
            "SELECT channels.epoch, offset FROM history JOIN channels USING (channel)"
            " WHERE channel = ? AND once = ? AND (history.expires IS NULL OR history.expires > ?)",
            (channel, once, now),
        ).fetchone()
        return found

    def _trim(self, channel: bytes, limit: int) -> None:
        """Have a channel keep no more bytes than that."""
        execute = self.connection.execute
        while execute("SELECT bytes FROM channels WHERE channel = ?", (channel,)).fetchone()[0] > limit:
            oldest = "SELECT min(offset) FROM history WHERE channel = ?"
            execute(f"DELETE FROM history WHERE channel = ? AND offset = ({oldest})", (channel, channel))

    def _drop_oldest(self, pool: int, limit: int, now: float) -> int:
        """Drop publications above the limit; how many were not too old anyway."""
        execute = self.connection.execute
        size = "SELECT bytes FROM pools WHERE pool = ?", (pool,)
        if execute(*size).fetchone()[0] <= limit:
            return 0
        execute("DELETE FROM history WHERE expires <= ?", (now,))
        lost = 0
        while execute(*size).fetchone()[0] > limit:
            execute(
                "DELETE FROM history WHERE rowid = (SELECT rowid FROM history WHERE pool = ? ORDER BY rowid LIMIT 1)",
                (pool,),
            )
            lost += 1
        return lost

    def _make_room(self, pool: int, limit: int, now: float) -> int:
        """Have room for one channel more; how many publications that cost which were not too old anyway."""
        execute = self.connection.execute
        (channels,) = execute("SELECT channels FROM pools WHERE pool = ?", (pool,)).fetchone()
        if channels < limit:
            return 0
        going = execute(
            "SELECT channel FROM channels WHERE pool = ? ORDER BY ends LIMIT ?", (pool, channels - limit + 1)
        )
        lost = 0
        for (channel,) in going.fetchall():
            (kept,) = execute(
                "SELECT count(*) FROM history WHERE channel = ? AND (expires IS NULL OR expires > ?)", (channel, now)
            ).fetchone()
            lost += kept
            self._forget(channel)
        return lost

    def _forget(self, channel: bytes) -> None:
        self.connection.execute("DELETE FROM history WHERE channel = ?", (channel,))
        self.connection.execute("DELETE FROM channels WHERE channel = ?", (channel,))

    def since(self, channel: bytes, epoch: str, offset: int, limit: int) -> list[tuple[str, int, bytes]] | None:
        """``(epoch, offset, body)`` of the oldest ``limit`` after that, None if some are missing."""
        found = self.where(channel)
        if found is None or found[0] != epoch or offset > found[1]:
            return None
        missed = "FROM history WHERE channel = ? AND offset > ? AND (expires IS NULL OR expires > ?)"
        which = channel, offset, self._now()
        (kept,) = self.connection.execute(f"SELECT count(*) {missed}", which).fetchone()
        if kept != found[1] - offset:
            return None
        rows = f"SELECT ?, offset, body {missed} ORDER BY offset LIMIT ?"
        return self.connection.execute(rows, (epoch, *which, limit or -1)).fetchall()

    def latest(self, channel: bytes, skip: int, count: int) -> list[tuple[str, int, bytes]]:
        found = self.where(channel)
        if found is None:
            return []
        return self.connection.execute(
            # Offsets have no holes, but where a rule's time has become shorter: what is skipped need not be read.
            "SELECT ?, offset, body FROM history WHERE channel = ? AND offset <= ? AND (expires IS NULL OR expires > ?)"
            " ORDER BY offset DESC LIMIT ?",
            (found[0], channel, found[1] - skip, self._now(), count),
        ).fetchall()

    def _now(self) -> float:
        return time.monotonic() + self._ahead

    def where(self, channel: bytes) -> tuple[str, int] | None:
        found: tuple[str, int] | None = self.connection.execute(
            "SELECT epoch, top FROM channels WHERE channel = ? AND (expires IS NULL OR expires > ?)",
            (channel, self._now()),
        ).fetchone()
        return found

    def _changed(self, statement: str, *values: bytes) -> bool:
        return self.connection.execute(statement, values).rowcount > 0
