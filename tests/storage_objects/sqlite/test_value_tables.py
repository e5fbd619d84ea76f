"""Records leave the file when their time is over."""

import sqlite3

from tests.support.reactor_thread import call


def test_records_that_have_expired_leave_the_file(files, file):
    node = files.node()
    for number in range(50):
        node.store(f"brief {number}", "x", 0.001)
    stored = call(lambda: [node.storage.store("still here", "x", 60) for n in range(2000)])
    call(lambda: stored[-1])
    node.stop()
    connection = sqlite3.connect(file)
    assert connection.execute("SELECT key FROM records").fetchall() == [(b"still here",)]
    connection.close()
