"""The file under SQLite storage: whose it is, and what happens when it goes, fills its disk or is locked."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from filtered_websocket.storage_objects.base import Keep, StorageAway
from tests.support.backends import message
from tests.support.deadlines import joined
from tests.support.log_lines import LogLines
from tests.support.reactor_thread import DEADLINE, call, until
from tests.support.storage_child import Child

MODULE = "filtered_websocket.storage_objects.sqlite"
KEEP = Keep(1000, 60)


def modes(file):
    found = {}
    for each in file.parent.glob(f"{file.name}*"):
        with suppress(FileNotFoundError):
            found[each.name] = each.stat().st_mode & 0o777
    return found


def wait_away(node):
    node.recorder.wait_for(lambda: node.recorder.readiness[-1:] == [False])
    assert not node.storage.ready


def wait_back(node):
    node.recorder.wait_for(lambda: node.recorder.readiness[-1:] == [True])
    assert node.storage.ready


def wait_away_and_back(node):
    """Both may have happened before this looks for the first time."""
    node.recorder.wait_for(lambda: node.recorder.readiness == [False, True])
    assert node.storage.ready


# Its permissions.


def test_every_file_is_the_owners_alone_from_its_first_byte(files, file):
    """Whatever the umask is. The folder is watched while they are made: each name has one mode, ever."""
    seen = {}
    done = threading.Event()

    def watch():
        while not done.is_set():
            for name, mode in modes(file).items():
                seen.setdefault(name, set()).add(mode)

    before = os.umask(0)
    watching = threading.Thread(target=watch)
    watching.start()
    try:
        node = files.node()
        for n in range(20):
            node.put("map", str(n), "secret")
    finally:
        done.set()
        joined(watching)
        os.umask(before)
    assert {mode for modes in seen.values() for mode in modes} == {0o600}
    assert seen.keys() >= {f"storage.sqlite{part}" for part in ("", "-wal", "-shm", "-lock")}


def test_files_that_all_could_read_are_hidden_and_a_group_that_was_let_in_stays(files, file):
    file.touch(0o644)
    file.chmod(0o644)
    files.node().stop()
    assert modes(file)["storage.sqlite"] == 0o600
    file.chmod(0o640)
    node = files.node()
    node.put("map", "a", "b")
    assert modes(file)["storage.sqlite-wal"] == modes(file)["storage.sqlite"] == 0o640


def test_a_server_of_another_process_is_refused_too(file):
    with Child(MODULE, "write", {"sqlite_file": str(file)}) as first:
        first.line()
        with Child(MODULE, "write", {"sqlite_file": str(file)}) as second:
            assert second.line() == f"sqlite_file {file}: another server uses it"
        first.line()


# A copy while it runs.


def test_a_backup_while_it_writes_is_whole(files, file, tmp_path):
    node = files.node()
    writing = threading.Event()
    done = threading.Event()

    def write():
        number = 0
        while not done.is_set():
            number += 1
            node.send(message("room", str(number)), Keep(100_000, 0))
            if number == 100:
                writing.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert writing.wait(DEADLINE)
        source = sqlite3.connect(file)
        copy = sqlite3.connect(tmp_path / "copy.sqlite")
        with source, copy:
            source.backup(copy)
            source.execute("VACUUM INTO ?", (str(tmp_path / "vacuumed.sqlite"),))
        source.close()
        copy.close()
    finally:
        done.set()
        joined(writer)
    assert node.storage.ready
    for name in ("copy.sqlite", "vacuumed.sqlite"):
        restored = files.node(sqlite_file=str(tmp_path / name))
        kept = [int(one.payload) for one in reversed(restored.latest("room", 0, 1_000_000))]
        assert kept == list(range(1, len(kept) + 1))
        assert len(kept) >= 100


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="the command sqlite3 is not installed")
def test_the_documented_command_makes_a_copy(files, file, tmp_path):
    node = files.node()
    node.put("map", "field", "value")
    subprocess.run(["sqlite3", str(file), f".backup {tmp_path / 'copy.sqlite'}"], check=True, timeout=DEADLINE)
    node.put("map", "later", "value")
    assert files.node(sqlite_file=str(tmp_path / "copy.sqlite")).fields("map") == {"field": "value"}


# The file goes.


def test_a_file_that_is_deleted_is_noticed_though_nobody_asks_and_taken_when_it_is_back(files, file):
    node = files.node()
    node.put("map", "field", "value")
    with LogLines() as lines:
        file.rename(f"{file}.aside")
        wait_away(node)
        for question in (lambda: node.put("map", "field", "lost"), lambda: node.fields("map")):
            with pytest.raises(StorageAway, match=r"deleted: put it back.*: not done"):
                question()
        assert not file.exists()
        waiting = call(lambda: [node.storage.wait_ready()])[0]
        os.rename(f"{file}.aside", file)
        call(lambda: waiting)
    assert node.fields("map") == {"field": "value"}
    assert node.put("map", "again", "value")
    assert len([line for line in lines if "it was deleted" in line]) == 1


def test_nothing_is_confirmed_that_went_into_a_deleted_file(files, file):
    node = files.node()
    node.put("map", "field", "value")
    for each in file.parent.glob("storage.sqlite*"):
        each.unlink()
    with pytest.raises(StorageAway):
        node.send(message("room", "lost"), KEEP)
    wait_away(node)


def test_another_file_in_its_place_is_taken_if_it_is_one(files, file, tmp_path):
    other = files.node(sqlite_file=str(tmp_path / "other.sqlite"))
    other.put("map", "which", "the other")
    other.stop()
    node = files.node()
    node.put("map", "which", "the first")
    os.replace(tmp_path / "other.sqlite", file)
    wait_away_and_back(node)
    assert node.fields("map") == {"which": "the other"}
    assert node.put("map", "more", "x")
    assert node.recorder.readiness == [False, True]


@pytest.mark.parametrize(("content", "why"), [(b"", "it is empty"), (b"no database at all" * 100, "not a database")])
def test_what_is_no_database_in_its_place_is_not_taken(files, file, tmp_path, content, why):
    node = files.node()
    (tmp_path / "wrong").write_bytes(content)
    with LogLines() as lines:
        file.rename(f"{file}.aside")
        os.replace(tmp_path / "wrong", file)
        wait_away(node)
        until(lambda: any(why in line for line in lines))
        with pytest.raises(StorageAway, match=why):
            node.put("map", "field", "lost")
        os.replace(f"{file}.aside", file)
        wait_back(node)


@pytest.mark.parametrize("part", ["-wal", "-shm"])
def test_a_log_that_is_deleted_costs_nothing(files, file, part):
    node = files.node()
    node.put("map", "field", "value")
    os.unlink(f"{file}{part}")
    wait_away_and_back(node)
    node.put("map", "again", "value")
    node.stop()
    assert files.node().fields("map") == {"field": "value", "again": "value"}


# The disk and its locks.


def test_a_locked_file_is_waited_for_a_while_then_refused_and_taken_when_it_is_free(files, file):
    node = files.node()
    node.put("map", "field", "value")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageAway, match="database is locked: not done"):
        node.put("map", "field", "lost")
    wait_away(node)
    assert node.fields("map") == {"field": "value"}  # reading needs no lock
    other.execute("ROLLBACK")
    other.close()
    wait_back(node)
    node.put("map", "field", "again")


FULL = """
import json, resource, sys
from types import SimpleNamespace
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from filtered_websocket.storage_objects.base import Keep, StorageAway
from filtered_websocket.storage_objects.sqlite.storage_object import StorageObject
from tests.support.backends import Recorder, message

async def main():
    storage, recorder = StorageObject(SimpleNamespace(sqlite_file=sys.argv[1])), Recorder()
    await storage.start(recorder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
    confirmed = 0
    try:
        for _ in range(100):
            await storage.send(message("room", "x" * 10_000), Keep(1000, 0))
            confirmed += 1
    except StorageAway as error:
        print(error)
    print(storage.ready, len(await storage.latest("room", 0, 1000)) == confirmed)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await storage.wait_ready()
    await storage.send(message("room", "x"), Keep(1000, 0))
    print(recorder.readiness, len(await storage.latest("room", 0, 1000)) == confirmed + 1)
    await storage.stop()
    reactor.stop()

ensureDeferred(main()).addErrback(lambda failure: (print(failure), reactor.stop()))
reactor.run()
"""


def test_a_full_disk_refuses_what_writes_answers_what_reads_and_takes_writes_when_there_is_room(file):
    """A file's size limit stands for the disk's."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    command = [sys.executable, "-c", FULL, str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE * 2, check=False)
    first, *rest = ended.stdout.splitlines()
    assert first.startswith(f"SQLite file {file}: ")
    assert first.endswith(": not done")
    assert rest == ["False True", "[False, True] True"], ended
