import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.chain.deferreds import start
from filtered_websocket.filters.centrifugo.nodes import ANSWER_SECONDS, GONE_SECONDS, HERE_SECONDS
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.storage_objects.memory import StorageObject
from tests.filters.centrifugo.clients import connected
from tests.filters.centrifugo.requests import ask, call, with_api


class Shared(StorageObject):
    """Memory of which others are said to have a part: what goes over its bus comes back."""

    shared = True


@pytest.fixture
def server():
    with with_api(storage_object=Shared()) as running:
        yield running


def nodes_of(server):
    return State.of(server.pipeline()).nodes


def say(server, **message):
    server.result(server.storage_object.publish("centrifugo::nodes", json.dumps(message)))


def test_what_the_api_wants_goes_over_the_bus(server):
    client = connected(server, "u")
    assert call(server, "disconnect", user="u") == {}
    assert client.closed[0] == 3503


def test_nodes_are_known_while_they_are_heard(server):
    nodes = nodes_of(server)
    assert nodes.knows(nodes.uid)
    say(server, do="here", node="other")
    assert nodes.knows("other")
    server.advance(HERE_SECONDS)
    assert nodes.knows("other")
    server.advance(GONE_SECONDS)
    assert not nodes.knows("other")
    say(server, do="here", node="other")
    say(server, do="gone", node="other")
    assert not nodes.knows("other")


def test_a_node_that_does_not_answer_is_not_waited_for_for_ever(server):
    say(server, do="here", node="other")
    asked = State.of(server.pipeline()).nodes.ask_all("info")
    found = []
    start(asked).addCallback(found.append)
    server.settle()
    assert found == []
    server.advance(ANSWER_SECONDS + 0.5)
    assert list(found[0]) == [nodes_of(server).uid]


def test_all_answer(server):
    assert len(call(server, "info")["nodes"]) == 1
    client = connected(server)
    client.subscribe("open:a")
    assert call(server, "channels") == {"channels": {"open:a": {"num_clients": 1}}}


NONSENSE = [
    "", "x", "[]", "{}", '{"do":5}', '{"do":"nope","values":{}}', '{"do":"ask"}', '{"do":"disconnect"}',
    '{"do":"disconnect","values":{}}', '{"do":"ask","what":"x","node":1,"id":1,"values":1}', "[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("text", NONSENSE, ids=lambda text: text[:20])
def test_what_no_node_says_is_dropped_and_counted(server, text):
    server.result(server.storage_object.publish("centrifugo::nodes", text))
    counted = server.server.counters.totals[("dropped", "centrifugo: malformed message of a node")]
    assert counted == 1
    assert ask(server, "/api/info", {})[0] == 200


@given(st.binary(max_size=30))
def test_any_bytes_on_the_bus_do_no_harm(data):
    with with_api(storage_object=Shared()) as server:
        nodes_of(server).consume("centrifugo::nodes", data)
