"""Every statement on sets, maps and records (`schema.py`); no thread and no Deferred here."""

from filtered_websocket.storage_objects.sqlite.database import Database

PURGE_EVERY = 1000
"""Records stored between looks for what has expired."""


class ValueTables(Database):
    """Parameters and errors are those of a `Database`."""

    _stores = 0

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
        execute, now = self.connection.execute, self.now()
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
            "SELECT value, owner FROM records WHERE key = ? AND expires > ?", (key, self.now())
        ).fetchone()
        return found

    def take(self, key: bytes, owner: bytes) -> tuple[bytes, bytes] | None:
        there = self.load(key)
        if there is not None:
            self.connection.execute("UPDATE records SET owner = ? WHERE key = ?", (owner, key))
        return there

    def _changed(self, statement: str, *values: bytes) -> bool:
        return self.connection.execute(statement, values).rowcount > 0
