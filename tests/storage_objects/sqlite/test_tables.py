"""What ends by its age."""

import os
import sqlite3

from filtered_websocket.storage_objects.base import Keep
from tests.support.backends import message
from tests.support.reactor_thread import call


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
