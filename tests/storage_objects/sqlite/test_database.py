"""The clock of a file that is open."""

import time
from types import SimpleNamespace

import pytest

from filtered_websocket.storage_objects.base import Keep
from filtered_websocket.storage_objects.sqlite import database
from tests.support.backends import message
from tests.support.reactor_thread import until


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
