"""The thread that writes: in order, many questions in one transaction, confirmed when they are on disk."""

import sqlite3
import time

import pytest

from filtered_websocket.storage_objects.base import Keep, StorageAway
from tests.support.backends import message
from tests.support.reactor_thread import call


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
