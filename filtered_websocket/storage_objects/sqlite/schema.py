# ruff: noqa: S608 -- statements made of constants
"""What lies in a file of SQLite storage, and how files of older versions come to it.

Names and values are blobs, as ``as_bytes`` makes them. Times are the wall clock's: they outlive the process. Rows of
``history`` get rising rowids, so an index on ``pool`` has a pool's publications in the order they came. ``ends`` is
when a channel's newest publication leaves by its age; for channels without an age it is far away, in the order of
writing.

A reign is the time from when a server opened the file, or found that another one was put in its place, to the next such
moment: in between no write may be lost. `about` has its number, and a stamp that every transaction renews that appends.
A channel knows the reign of its last publication, and in `bridges` the epochs before the present one with their last
offsets, the newest first: "epoch:top epoch:top".
"""

import sqlite3

from filtered_websocket.limits.history_pool import DEFAULT_POOL
from filtered_websocket.storage_objects.base import PUBLICATION_COST

VERSION = 4
FOR_EVER = 1e11
"""What stands for an end in ``ends`` where there is none, beside the time of writing."""

_COST = f"length({{0}}.body) + length({{0}}.channel) + {PUBLICATION_COST}"
_FIRST = (
    "CREATE TABLE sets (key BLOB, value BLOB, PRIMARY KEY (key, value)) WITHOUT ROWID",
    "CREATE TABLE maps (key BLOB, field BLOB, value BLOB, PRIMARY KEY (key, field)) WITHOUT ROWID",
    "CREATE TABLE channels (channel BLOB PRIMARY KEY, epoch TEXT, top INTEGER, expires REAL)",
    "CREATE TABLE history (channel BLOB, offset INTEGER, expires REAL, body BLOB, PRIMARY KEY (channel, offset))",
    "CREATE INDEX channels_by_expiry ON channels (expires) WHERE expires IS NOT NULL",
    "CREATE INDEX history_by_expiry ON history (expires) WHERE expires IS NOT NULL",
)
_POOLS = (
    "CREATE TABLE pools (pool INTEGER PRIMARY KEY, name TEXT UNIQUE, bytes INTEGER, channels INTEGER)",
    "ALTER TABLE history ADD COLUMN pool INTEGER",
    "ALTER TABLE channels ADD COLUMN pool INTEGER",
    "ALTER TABLE channels ADD COLUMN ends REAL",
    f"INSERT INTO pools SELECT 1, '{DEFAULT_POOL.name}', coalesce(sum({_COST.format('history')}), 0), 0 FROM history",
    "UPDATE pools SET channels = (SELECT count(*) FROM channels)",
    "UPDATE history SET pool = 1",
    f"UPDATE channels SET pool = 1, ends = coalesce(expires, {FOR_EVER} + rowid)",
    "CREATE INDEX history_by_pool ON history (pool)",
    "CREATE INDEX channels_by_pool ON channels (pool, ends)",
    # The sums are kept by the tables themselves, so no statement can forget them.
    "CREATE TRIGGER history_came AFTER INSERT ON history BEGIN"
    f" UPDATE pools SET bytes = bytes + {_COST.format('new')} WHERE pool = new.pool; END",
    "CREATE TRIGGER history_went AFTER DELETE ON history BEGIN"
    f" UPDATE pools SET bytes = bytes - ({_COST.format('old')}) WHERE pool = old.pool; END",
    "CREATE TRIGGER channel_came AFTER INSERT ON channels BEGIN"
    " UPDATE pools SET channels = channels + 1 WHERE pool = new.pool; END",
    "CREATE TRIGGER channel_went AFTER DELETE ON channels BEGIN"
    " UPDATE pools SET channels = channels - 1 WHERE pool = old.pool; END",
    "CREATE TRIGGER channel_moved AFTER UPDATE OF pool ON channels WHEN new.pool IS NOT old.pool BEGIN"
    " UPDATE pools SET channels = channels + (pool = new.pool) - (pool = old.pool)"
    " WHERE pool IN (new.pool, old.pool); END",
)
_RECORDS = (
    "CREATE TABLE records (key BLOB PRIMARY KEY, value BLOB, owner BLOB, expires REAL) WITHOUT ROWID",
    "CREATE INDEX records_by_expiry ON records (expires)",
    "ALTER TABLE history ADD COLUMN once BLOB",
    "CREATE INDEX history_by_once ON history (channel, once) WHERE once IS NOT NULL",
    "ALTER TABLE channels ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0",
    f"UPDATE channels SET bytes = (SELECT coalesce(sum({_COST.format('history')}), 0) FROM history"
    " WHERE history.channel = channels.channel)",
    "DROP TRIGGER history_came",
    "DROP TRIGGER history_went",
    "CREATE TRIGGER history_came AFTER INSERT ON history BEGIN"
    f" UPDATE pools SET bytes = bytes + {_COST.format('new')} WHERE pool = new.pool;"
    f" UPDATE channels SET bytes = bytes + {_COST.format('new')} WHERE channel = new.channel; END",
    "CREATE TRIGGER history_went AFTER DELETE ON history BEGIN"
    f" UPDATE pools SET bytes = bytes - ({_COST.format('old')}) WHERE pool = old.pool;"
    f" UPDATE channels SET bytes = bytes - ({_COST.format('old')}) WHERE channel = old.channel; END",
)
_REIGNS = (
    "CREATE TABLE about (reign INTEGER NOT NULL, stamp TEXT NOT NULL)",
    "INSERT INTO about VALUES (0, '')",
    "ALTER TABLE channels ADD COLUMN reign INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE channels ADD COLUMN bridges TEXT NOT NULL DEFAULT ''",
)
_STEPS = (_FIRST, _POOLS, _RECORDS, _REIGNS)


def migrate(connection: sqlite3.Connection, begin: bool) -> None:
    """Bring a file to this version, in the transaction that is open.

    :param begin: whether an empty file may be begun
    :raises ValueError: it was written by a newer version, or is empty
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not version and not begin:
        raise ValueError("it is empty")
    if version > VERSION:
        raise ValueError(f"written by a newer version (format {version}, known {VERSION})")
    for statements in _STEPS[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
