"""Names that begin with something, and an outage."""

import pytest

from tests.support.log_lines import LogLines
from tests.support.reactor_thread import call
from tests.support.redis_nodes import wait_away, wait_back


def heard(node):
    return [(item["channel"], item["data"]) for item in node.recorder.bus]


def test_they_are_heard_again_after_an_outage_and_what_is_added_meanwhile_is_confirmed_then(server, cluster):
    node = cluster.node()
    node.listen_to_all("a#")
    node.listen_to_all("a#")
    node.publish("a#1", "before")
    node.recorder.wait_for(lambda: len(node.recorder.bus) == 1)  # the kill must not overtake it on the other connection
    server.kill()
    wait_away(node)
    waiting = call(lambda: [node.storage.listen_to_all("b#")])
    with LogLines() as lines:
        server.start()
        call(lambda: waiting[0])
        wait_back(node)
    (lost,) = [line for line in lines if "on the bus is lost" in line]
    assert lost.endswith(", a#*")
    node.publish("a#2", "behind")
    node.publish("b#", "new")
    node.recorder.wait_for(lambda: len(node.recorder.bus) == 3)
    assert heard(node) == [(b"a#1", b"before"), (b"a#2", b"behind"), (b"b#", b"new")]


def test_what_names_of_our_own_begin_with_is_refused(shared):
    node = shared.node()
    for prefix in ("", "fws", "fws:c:"):
        with pytest.raises(ValueError, match="the storage object's own"):
            node.listen_to_all(prefix)
