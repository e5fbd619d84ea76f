"""What hooks are owed and this process may not come to tell: kept, claimed once, taken when it is overdue."""

import json
import time

import pytest
from twisted.internet.defer import Deferred, fail

from filtered_websocket.chain.deferreds import start
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.shared.webhooks.destinations import Left, Webhooks
from filtered_websocket.filters.shared.webhooks.owed import BATCH, GRACE_SECONDS, KEEP_SECONDS, LOOK_SECONDS, Owed
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.server import Server
from tests.support.small_filters import Echo

NAME = "owed by a test"


class Shared(StorageObject):
    """As if other nodes had it too."""

    shared = True


class Durable(StorageObject):
    durable = True


class Node:
    """A process that owes hooks something."""

    def __init__(self, server):
        self.told, self.server, self.storage = [], server, server.storage_object
        self.hooks = Webhooks(server.reactor, server.server.counters, True)
        self.owed = Owed(self.storage, NAME, server.server, self.tell)

    async def tell(self, record):
        self.told.append(record)

    @property
    def kept(self):
        return {field: json.loads(raw) for field, raw in self.server.result(self.storage.fields(NAME)).items()}

    @property
    def lost(self):
        return self.server.server.counters.totals["dropped", "web hook: the server stopped"]


@pytest.fixture
def node(request):
    with Server(Echo, storage_object=getattr(request, "param", Shared)()) as server:
        node = Node(server)
        yield node
        node.owed.stop()


def test_a_record_is_claimed_once(node):
    node.server.result(node.owed.keep("a", {"app": "1", "events": []}, 3))
    assert node.kept["a"]["due"] == pytest.approx(time.time() + 3, abs=60)
    assert [node.server.result(node.owed.claim("a")) for _ in range(2)] == [True, False]


@pytest.mark.parametrize("due", [0, -GRACE_SECONDS - 60], ids=["left at a stop", "long due"])
def test_what_another_has_left_is_told_once_at_the_start_or_a_little_later(node, due):
    def put(field):
        record = {"app": field, "due": due and time.time() + due}
        node.server.result(node.storage.put(NAME, field, json.dumps(record)))

    put("before")
    node.owed.start()
    node.server.settle()
    assert [record["app"] for record in node.told] == ["before"]
    put("after")
    node.server.advance(LOOK_SECONDS)
    assert [record["app"] for record in node.told] == ["before", "after"]
    assert node.kept == {}
    node.owed.stop()
    put("too late")
    node.server.advance(LOOK_SECONDS)
    assert len(node.told) == 2


def test_what_is_its_owners_to_tell_is_left_to_it(node):
    node.server.result(node.owed.keep("a", {"app": "1"}, 0))
    node.owed.start()
    node.server.advance(2 * LOOK_SECONDS)
    assert node.told == []
    assert set(node.kept) == {"a"}


@pytest.mark.parametrize("raw", ["", "{", "[]", "null", "{}", '{"due": "soon"}', '{"due": []}'])
def test_a_record_that_no_node_can_tell_is_taken_out(node, raw):
    node.server.result(node.storage.put(NAME, "a", raw))
    node.owed.start()
    node.server.settle()
    assert node.told == []
    assert node.server.result(node.storage.fields(NAME)) == {}
    assert node.server.errors == []


def test_what_was_not_told_is_kept_in_parts_for_others(node):
    events = [{"n": number} for number in range(2 * BATCH + 1)]
    node.server.result(node.owed.hand_over([Left("1", "http://a", events), Left("2", "http://b", ["x"])], node.hooks))
    parts = [record for record in node.kept.values() if record["app"] == "1"]
    assert sorted(len(record["events"]) for record in parts) == [1, BATCH, BATCH]
    assert sorted((event for record in parts for event in record["events"]), key=lambda event: event["n"]) == events
    assert {(record["url"], record["due"]) for record in node.kept.values()} == {("http://a", 0), ("http://b", 0)}
    assert node.lost == 0


@pytest.mark.parametrize("node", [StorageObject], indirect=True)
def test_what_ends_with_this_process_is_lost_and_counted(node):
    assert not node.owed.lasts
    node.server.result(node.owed.hand_over([Left("1", "http://a", ["x"] * 3)], node.hooks))
    assert (node.kept, node.lost) == ({}, 3)


@pytest.mark.parametrize("node", [Durable], indirect=True)
def test_storage_that_lasts_is_looked_at_once_at_the_start(node):
    assert (node.owed.lasts, node.owed.shared) == (True, False)
    node.server.result(node.owed.hand_over([Left("1", "http://a", ["x"])], node.hooks))
    node.owed.start()
    node.server.settle()
    assert [record["events"] for record in node.told] == [["x"]]
    node.server.result(node.owed.hand_over([Left("1", "http://a", ["y"])], node.hooks))
    node.server.advance(2 * LOOK_SECONDS)
    assert len(node.told) == 1


@pytest.mark.parametrize("answer", [lambda: fail(StorageAway("away")), Deferred], ids=["fails", "says nothing"])
def test_a_storage_that_takes_nothing_costs_the_stop_a_second_and_what_is_lost_is_counted(node, answer, monkeypatch):
    monkeypatch.setattr(node.owed, "_storage", type("Away", (), {"put": lambda *_: answer(), "shared": True})())
    begin, ends = node.server.reactor.seconds(), []
    handing = node.owed.hand_over([Left("1", "http://a", ["x"] * BATCH * 3)], node.hooks)

    async def hand_over():
        await handing
        ends.append(node.server.reactor.seconds() - begin)

    start(hand_over())
    node.server.advance(KEEP_SECONDS)
    assert len(ends) == 1
    assert node.lost == 3 * BATCH
