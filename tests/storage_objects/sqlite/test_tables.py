"""What ends by its age."""

import os
import sqlite3
import time
from types import SimpleNamespace

import pytest

from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.sqlite import tables as sqlite_tables
from tests.support.backends import message
from tests.support.reactor_thread import call, until


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
