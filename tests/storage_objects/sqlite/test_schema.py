"""What lies in the file, and files of other versions."""

import sqlite3

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.messages.envelope import encode
from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects.base import DEFAULT_POOL, Keep
from filtered_websocket.storage_objects.sqlite import schema
from tests.support.backends import message


def test_a_file_that_is_no_database_or_newer_or_cannot_be_made_is_refused(files, file, tmp_path):
    file.write_bytes(b"no database at all" * 100)
    node = files.node(wait=False)
    for _ in range(2):
        with pytest.raises(ConfigError, match="not a database"):
            node.get("set")
    node.stop()
    with pytest.raises(ConfigError, match="No such file"):
        files.node(sqlite_file=str(tmp_path / "no such folder" / "file"))
    newer = tmp_path / "newer.sqlite"
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigError, match="newer version"):
        files.node(sqlite_file=str(newer))


def test_a_file_of_the_version_without_pools_is_taken_over(files, file):
    with sqlite3.connect(file) as connection:
        connection.executescript(
            """
            CREATE TABLE sets (key BLOB, value BLOB, PRIMARY KEY (key, value)) WITHOUT ROWID;
            CREATE TABLE maps (key BLOB, field BLOB, value BLOB, PRIMARY KEY (key, field)) WITHOUT ROWID;
            CREATE TABLE channels (channel BLOB PRIMARY KEY, epoch TEXT, top INTEGER, expires REAL);
            CREATE TABLE history (channel BLOB, offset INTEGER, expires REAL, body BLOB, PRIMARY KEY (channel, offset));
            CREATE INDEX channels_by_expiry ON channels (expires) WHERE expires IS NOT NULL;
            CREATE INDEX history_by_expiry ON history (expires) WHERE expires IS NOT NULL;
            PRAGMA user_version = 1;
            """
        )
        body = encode(message("room", "o" * 2048))
        connection.execute("INSERT INTO channels VALUES (CAST('room' AS BLOB), 'epoch', 2, NULL)")
        for offset in (1, 2):
            connection.execute("INSERT INTO history VALUES (CAST('room' AS BLOB), ?, NULL, ?)", (offset, body))
    connection.close()
    node = files.node()
    assert [one.position for one in node.latest("room", 0, 10)] == [Position("epoch", 2), Position("epoch", 1)]
    # What it held counts, in the pool of writes that name none.
    node.send(message("room", "n" * 2048), Keep(10, 0, DEFAULT_POOL._replace(bytes=6000)))
    assert [one.position.offset for one in node.latest("room", 0, 10)] == [3, 2]
    assert node.recorder.dropped == [("history_bytes", 1, "room")]
    assert [one.position.offset for one in node.since("room", Position("epoch", 2))] == [3]


def test_a_file_of_the_version_without_records_is_taken_over(files, file):
    with sqlite3.connect(file) as connection:
        for statement in (*schema._FIRST, *schema._POOLS, "PRAGMA user_version = 2"):
            connection.execute(statement)
        body = encode(message("room", "o" * 1024))
        connection.execute("INSERT INTO channels VALUES (CAST('room' AS BLOB), 'epoch', 2, NULL, 1, 1)")
        for offset in (1, 2):
            row = "INSERT INTO history VALUES (CAST('room' AS BLOB), ?, NULL, ?, 1)"
            connection.execute(row, (offset, body))
    connection.close()
    node = files.node()
    assert node.store("pid", "x", 60) is True
    assert len(node.since("room", Position("epoch", 0))) == 2
    # What it held counts for the channel's own bytes.
    node.send(message("room", "n" * 1024), Keep(10, 0, bytes=2 * 1600), once="n")
    assert [one.position.offset for one in node.latest("room", 0, 10)] == [3, 2]
    assert len(node.since("room", Position("epoch", 1))) == 2
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    connection.close()
