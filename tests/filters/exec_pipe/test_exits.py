"""The end of a child is told once, whatever the system has to tell it."""

import os
import subprocess

import pytest

from filtered_websocket.filters.exec_pipe.exits import when_exited
from tests.support.raw_client import DEADLINE
from tests.support.reactor_thread import call, until


@pytest.mark.parametrize("has_descriptors", [True, False])
def test_the_end_is_told_once_before_the_child_is_reaped(monkeypatch, has_descriptors):
    if not has_descriptors:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    told = []
    child = subprocess.Popen(["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE)

    def watch():
        from twisted.internet import reactor

        when_exited(reactor, child.pid, lambda: told.append(child.pid))

    call(watch)
    assert told == []
    child.stdin.write(b"go\n")
    child.stdin.close()
    until(lambda: told == [child.pid])
    assert child.wait(DEADLINE) == 0


def test_a_child_that_somebody_else_has_reaped_has_ended(monkeypatch):
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    told = []
    child = subprocess.Popen(["/bin/true"])
    child.wait(DEADLINE)

    def watch():
        from twisted.internet import reactor

        when_exited(reactor, child.pid, lambda: told.append(1))

    call(watch)
    assert told == [1]
