"""SQLite storage beyond what all storage objects promise: its file."""

import os
import sqlite3
import time
from types import SimpleNamespace

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.messages.envelope import encode
from filtered_websocket.messages.publication import Position
from filtered_websocket.storage_objects.base import DEFAULT_POOL, Keep, StorageAway
from filtered_websocket.storage_objects.sqlite import tables as sqlite_tables
from tests.support.backends import Backend, Node, message
from tests.support.reactor_thread import call, until

MODULE = "filtered_websocket.storage_objects.sqlite"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "storage.sqlite"


@pytest.fixture
def files(file):
    files = Backend(MODULE, sqlite_file=str(file))
    yield files
    files.close()


def test_a_second_storage_object_on_one_file_is_refused(files):
    files.node()
    with pytest.raises(ConfigError, match=r"storage\.sqlite: another server uses it"):
        files.node()


def test_a_file_that_is_no_database_or_newer_or_cannot_be_made_is_refused(files, file, tmp_path):
    file.write_bytes(b"no database at all" * 100)
    node = Node(call(files.make), wait=False)
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


def test_what_was_asked_before_stop_is_answered_and_after_it_refused(files):
    node = files.node()
    asked = call(lambda: [node.storage.add("set", str(n)) for n in range(500)] + [node.storage.stop()])
    assert [call(lambda d=d: d) for d in asked[:-1]] == [True] * 500
    call(lambda: asked[-1])
    assert not node.storage.ready
    for question in (lambda: node.storage.get("set"), node.storage.wait_ready):
        with pytest.raises(StorageAway):
            call(question)
    assert len(files.node().get("set")) == 500


def test_a_question_that_fails_leaves_the_others_of_its_transaction(files):
    node = files.node()
    good, bad, also_good = call(
        lambda: [
            node.storage.add("set", "good"),
            node.storage._ask(lambda tables: tables.connection.execute("no SQL"), convert=None),
            node.storage.add("set", "also good"),
        ]
    )
    assert call(lambda: good) is call(lambda: also_good) is True
    with pytest.raises(sqlite3.OperationalError):
        call(lambda: bad)
    assert node.get("set") == {"good", "also good"}


def test_history_is_delivered_when_it_is_on_disk(files, file):
    node = files.node()
    node.subscribe("room")
    seen = []
    consume = node.recorder.consume

    def look(publication):
        seen.append(publication.position.offset)
        consume(publication)

    node.recorder.consume = look
    sent = call(lambda: [node.storage.send(message("room", "x"), Keep(10, 60)), list(seen)])
    assert sent[1] == []
    assert call(lambda: sent[0]).offset == 1
    assert seen == [1]


@pytest.mark.quiet
def test_calls_of_one_turn_share_syncs(files):
    node = files.node()
    started = time.process_time()
    sent = call(lambda: [node.storage.send(message("room", str(n)), Keep(5000, 60)) for n in range(5000)])
    call(lambda: sent[-1])
    assert time.process_time() - started < 2
    assert len(node.latest("room", 0, 10_000)) == 5000


@pytest.mark.parametrize("jump", [-3600, 3600])
def test_a_wall_clock_that_is_set_while_it_runs_moves_no_end_of_history(files, monkeypatch, jump):
    node = files.node()
    node.send(message("brief", "x"), Keep(10, 0.2))
    node.send(message("room", "x"), Keep(10, 60))
    clock = SimpleNamespace(time=lambda: time.time() + jump, monotonic=time.monotonic)
    monkeypatch.setattr(sqlite_tables, "time", clock)
    until(lambda: node.storage.latest("brief", 0, 1).addCallback(lambda found: not found))
    assert len(node.latest("room", 0, 1)) == 1
    node.send(message("brief", "x"), Keep(10, 0.2))
    until(lambda: node.storage.latest("brief", 0, 1).addCallback(lambda found: not found))
    assert len(node.latest("room", 0, 1)) == 1


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


def test_what_has_expired_leaves_the_file(files, file):
    node = files.node()
    for number in range(50):
        node.send(message(f"room {number}", "x"), Keep(10, 0.01))
    sent = call(lambda: [node.storage.send(message("still here", "x"), Keep(10, 60)) for n in range(2000)])
    call(lambda: sent[-1])
    node.stop()
    connection = sqlite3.connect(file)
    (rows,) = connection.execute("SELECT count(*) FROM history").fetchone()
    connection.close()
    assert rows == 10
    assert os.path.getsize(file) < 1_000_000
