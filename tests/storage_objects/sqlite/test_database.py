"""The clock of a file that is open, and what is told of one that was put back from a backup."""

import shutil
import sqlite3
import time
from types import SimpleNamespace

import pytest

from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.sqlite import database
from tests.support.backends import message
from tests.support.reactor_thread import until

KEEP = Keep(1000, 60)


@pytest.mark.parametrize("jump", [-3600, 3600])
def test_a_wall_clock_that_is_set_while_it_runs_moves_no_end_of_history(files, monkeypatch, jump):
    node = files.node()
    node.send(message("brief", "x"), Keep(10, 0.2))
    node.send(message("room", "x"), Keep(10, 60))
    node.store("long", "x", 60)
    node.store("brief", "x", 0.2)
    clock = SimpleNamespace(time=lambda: time.time() + jump, monotonic=time.monotonic)
    monkeypatch.setattr(database, "time", clock)
    until(lambda: node.storage.latest("brief", 0, 1).addCallback(lambda found: not found))
    until(lambda: node.storage.load("brief").addCallback(lambda found: not found))
    assert node.load("long") is not None
    assert len(node.latest("room", 0, 1)) == 1
    node.send(message("brief", "x"), Keep(10, 0.2))
    until(lambda: node.storage.latest("brief", 0, 1).addCallback(lambda found: not found))
    assert len(node.latest("room", 0, 1)) == 1


# A file that is put back from a backup.


def numbers(publications):
    return None if publications is None else [int(each.payload) for each in publications]


def sent(node, *payloads):
    return [node.send(message("room", str(payload)), KEEP) for payload in payloads]


def back_up(file, to):
    source, target = sqlite3.connect(file), sqlite3.connect(to)
    source.backup(target)
    source.close()
    target.close()


def put_back(backup, file):
    """As an operator does it while no server runs: the file alone, without the log of the other."""
    for name in ("", "-wal", "-shm"):
        file.with_name(file.name + name).unlink(missing_ok=True)
    shutil.copy(backup, file)


def move_over(backup, file):
    """While a server runs: another file of this name."""
    shutil.copy(backup, file.with_name("copy"))
    file.with_name("copy").rename(file)


def restore(backup, file):
    """While a server runs: the same file, by SQLite's own means (`.restore`)."""
    back_up(backup, file)


def test_readers_of_before_and_beyond_what_was_lost_get_the_right_rest(files, file, tmp_path):
    node = files.node()
    sent(node, *range(1, 9))
    back_up(file, tmp_path / "backup")
    *_, tenth = sent(node, 9, 10)
    node.stop()
    put_back(tmp_path / "backup", file)
    node = files.node()
    eighth, sixth = tenth._replace(offset=8), tenth._replace(offset=6)
    assert [node.since("room", each) for each in (tenth, eighth)] == [[], []]
    assert numbers(node.since("room", sixth)) == [7, 8]
    assert node.subscribe("room") == eighth
    new = sent(node, 101, 102, 103)
    assert [position.offset for position in new] == [9, 10, 11]
    assert {position.epoch for position in new} & {tenth.epoch} == set()
    for each in (tenth, eighth):
        assert numbers(node.since("room", each)) == [101, 102, 103]
    found = node.since("room", sixth)
    assert numbers(found) == [7, 8, 101, 102, 103]
    assert [each.position for each in found] == [new[0]._replace(offset=offset) for offset in range(7, 12)]
    assert numbers(node.since("room", sixth, 3)) == [7, 8, 101]
    assert numbers(node.since("room", new[1])) == [103]
    assert node.recorder.wait(3) == [b"101", b"102", b"103"]
    assert node.recorder.gaps == []


@pytest.mark.parametrize("replace", [move_over, restore])
def test_a_server_that_runs_notices_it_and_nobody_misses_or_doubles(files, file, tmp_path, replace):
    node = files.node()
    node.subscribe("room")
    sent(node, 1, 2)
    back_up(file, tmp_path / "backup")
    third, fourth = sent(node, 3, 4)
    given = {third: 3, fourth: 4}
    for number in (100, 200):
        readiness = len(node.recorder.readiness)
        replace(tmp_path / "backup", file)
        if replace is move_over:
            node.recorder.wait_for(lambda before=readiness: node.recorder.readiness[before:] == [False, True])
        for payload in (number, number + 1):
            (position,) = sent(node, payload)
            assert position not in given
            given[position] = payload
        assert numbers(node.since("room", third)) == [number, number + 1]
        assert numbers(node.since("room", third._replace(offset=1))) == [2, number, number + 1]
    assert [node.since("room", position) for position, payload in given.items() if payload in (100, 101)] == [None] * 2
    assert [int(payload) for payload in node.recorder.wait(8)] == [1, 2, 3, 4, 100, 101, 200, 201]
    assert node.recorder.gaps == []


def test_what_other_programs_write_begins_no_epoch(files, file):
    node = files.node()
    (first,) = sent(node, 1)
    connection = sqlite3.connect(file)
    connection.execute("INSERT INTO sets VALUES (x'61', x'62')")
    connection.commit()
    connection.close()
    assert node.get("a") == {"b"}
    assert sent(node, 2) == [first._replace(offset=2)]


@pytest.mark.parametrize("times", [4, 5])
def test_it_is_proven_over_several_starts_and_over_more_not_claimed(files, times):
    node = files.node()
    first, _ = sent(node, 1, 2)
    for number in range(times):
        node.stop()
        node = files.node()
        sent(node, 3 + number)
    expected = [2, *range(3, 3 + times)]
    assert numbers(node.since("room", first)) == (None if times > 4 else expected)


@pytest.mark.parametrize("jump", [-1_000_000, 1_000_000])
def test_a_wall_clock_that_was_set_between_two_starts_makes_no_lie(files, monkeypatch, jump):
    node = files.node()
    node.store("record", "x", 60)
    first, second = sent(node, 1, 2)
    node.stop()
    clock = SimpleNamespace(time=lambda: time.time() + jump, monotonic=time.monotonic)
    monkeypatch.setattr(database, "time", clock)
    node = files.node()
    (third,) = sent(node, 3)
    if jump > 0:  # all is too old, even where it stood
        assert (node.load("record"), third.offset) == (None, 1)
        assert [node.since("room", position) for position in (first, second)] == [None, None]
        assert numbers(node.latest("room", 0, 10)) == [3]
    else:
        assert third.offset == 3
        assert numbers(node.since("room", first)) == [2, 3]
