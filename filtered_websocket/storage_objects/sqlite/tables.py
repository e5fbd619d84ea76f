# ruff: noqa: S608 -- statements made of constants
"""The tables of SQLite storage (`schema.py`): every statement on history; no thread and no Deferred here."""

from filtered_websocket.limits.history_pool import Pool
from filtered_websocket.storage_objects.base import BRIDGES, EPOCH_SECONDS, Keep
from filtered_websocket.storage_objects.sqlite.schema import FOR_EVER
from filtered_websocket.storage_objects.sqlite.value_tables import ValueTables

PURGE_EVERY = 1000
"""Appends between looks for what has expired on any channel."""


class Tables(ValueTables):
    """All of them. Parameters and errors are those of a `Database`."""

    _appends = 0

    def append(
        self, channel: bytes, body: bytes, keep: Keep, new_epoch: str, once: bytes | None
    ) -> tuple[tuple[str, int], dict[str, int] | None]:
        """The position it gets, and how many publications left before their time for each limit. None: it was not
        appended, since one of this name is kept; that one's position."""
        execute = self.connection.execute
        now = self.now()
        if once is not None and (before := self._find(channel, once, now)) is not None:
            return before, None
        expires = now + keep.seconds if keep.seconds else None
        (epoch, top), dropped = self.position(channel, keep.pool, new_epoch)
        epoch = self._bridge(channel, epoch, top, new_epoch)
        pool = self._pool(keep.pool)
        top += 1
        self.stamp()
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
        now = self.now()
        self._forget(channel)  # it may be too old
        number = self._pool(pool)
        lost = self._make_room(number, pool.channels, now) if pool.channels else 0
        self.connection.execute(
            "INSERT INTO channels (channel, epoch, top, expires, pool, ends, reign) VALUES (?, ?, 0, ?, ?, ?, ?)",
            (channel, new_epoch, now + EPOCH_SECONDS, number, now, self.reign),
        )
        return (new_epoch, 0), {"history_channels": lost} if lost else {}

    def _pool(self, pool: Pool) -> int:
        """The number of a pool."""
        execute = self.connection.execute
        found = execute("SELECT pool FROM pools WHERE name = ?", (pool.name,)).fetchone()
        if found is None:
            found = (execute("INSERT INTO pools (name, bytes, channels) VALUES (?, 0, 0)", (pool.name,)).lastrowid,)
        return int(found[0])

    def _bridge(self, channel: bytes, epoch: str, top: int, new_epoch: str) -> str:
        """The epoch of what is appended. The first publication of a reign begins one: beyond this top, the one before
        may have given out offsets that are lost. They go on from here."""
        execute = self.connection.execute
        reign, bridges = execute("SELECT reign, bridges FROM channels WHERE channel = ?", (channel,)).fetchone()
        if reign == self.reign:
            return epoch
        bridges = " ".join([f"{epoch}:{top}", *bridges.split()[: BRIDGES - 1]])
        execute(
            "UPDATE channels SET epoch = ?, reign = ?, bridges = ? WHERE channel = ?",
            (new_epoch, self.reign, bridges, channel),
        )
        return new_epoch

    def _seen(self, channel: bytes, epoch: str, offset: int) -> int | None:
        """Up to where a reader that stands there has seen what is here; None where nothing is known of it."""
        found: tuple[str, int, int, str] | None = self.connection.execute(
            "SELECT epoch, top, reign, bridges FROM channels WHERE channel = ?", (channel,)
        ).fetchone()
        if found is None:
            return None
        present, top, reign, bridges = found
        if epoch == present:
            # Beyond what is here, it was lost: this reader misses nothing.
            return min(offset, top) if reign < self.reign else offset
        tops = dict(bridge.split(":") for bridge in bridges.split())
        return min(offset, int(tops[epoch])) if epoch in tops else None

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
        found, seen = self.where(channel), self._seen(channel, epoch, offset)
        if found is None or seen is None or seen > found[1]:
            return None
        missed = "FROM history WHERE channel = ? AND offset > ? AND (expires IS NULL OR expires > ?)"
        which = channel, seen, self.now()
        (kept,) = self.connection.execute(f"SELECT count(*) {missed}", which).fetchone()
        if kept != found[1] - seen:
            return None
        rows = f"SELECT ?, offset, body {missed} ORDER BY offset LIMIT ?"
        return self.connection.execute(rows, (found[0], *which, limit or -1)).fetchall()

    def latest(self, channel: bytes, skip: int, count: int) -> list[tuple[str, int, bytes]]:
        found = self.where(channel)
        if found is None:
            return []
        return self.connection.execute(
            # Offsets have no holes, but where a rule's time has become shorter: what is skipped need not be read.
            "SELECT ?, offset, body FROM history WHERE channel = ? AND offset <= ? AND (expires IS NULL OR expires > ?)"
            " ORDER BY offset DESC LIMIT ?",
            (found[0], channel, found[1] - skip, self.now(), count),
        ).fetchall()

    def clear(self, channel: bytes) -> bool:
        (kept,) = self.connection.execute(
            "SELECT count(*) FROM history WHERE channel = ? AND (expires IS NULL OR expires > ?)", (channel, self.now())
        ).fetchone()
        self.connection.execute("DELETE FROM history WHERE channel = ?", (channel,))
        return bool(kept)

    def where(self, channel: bytes) -> tuple[str, int] | None:
        found: tuple[str, int] | None = self.connection.execute(
            "SELECT epoch, top FROM channels WHERE channel = ? AND (expires IS NULL OR expires > ?)",
            (channel, self.now()),
        ).fetchone()
        return found
