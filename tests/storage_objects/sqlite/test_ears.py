"""A channel's ear opens when the file has said where the channel stands, also after it was away."""

import pytest

from filtered_websocket.errors import StorageAway
from tests.support.backends import message
from tests.support.reactor_thread import call
from tests.support.redis_nodes import KEEP


def test_while_the_file_is_away_a_subscription_waits_until_it_is_back(files, file, tmp_path):
    node = files.node()
    position = node.send(message("room", "1"), KEEP)
    file.rename(tmp_path / "aside")
    node.recorder.wait_for(lambda: node.recorder.readiness == [False])
    waiting, left = call(lambda: [node.storage.subscribe("room"), node.storage.subscribe("left")])
    node.unsubscribe("left")
    with pytest.raises(StorageAway):
        call(lambda: left)
    node.send(message("room", "at once"))
    assert node.recorder.wait(1) == [b"at once"]
    (tmp_path / "aside").rename(file)
    assert call(lambda: waiting) == position
    node.send(message("room", "2"), KEEP)
    assert node.recorder.wait(2) == [b"at once", b"2"]


def test_what_waits_when_it_stops_fails_and_may_leave_others(files):
    node = files.node()

    def leave(failure):
        node.storage.unsubscribe("other")
        return failure

    def ask_and_stop():
        waiting = node.storage.subscribe("room").addErrback(leave)
        node.storage.subscribe("other").addErrback(lambda _: None)
        return waiting, node.storage.stop(), node.storage.subscribe("late")

    waiting, stopped, late = call(ask_and_stop)
    call(lambda: stopped)
    for failed in (waiting, late):
        with pytest.raises(StorageAway):
            call(lambda failed=failed: failed)
