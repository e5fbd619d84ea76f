"""What a pack of channels keeps for one pipeline, without a pack."""

import json

import pytest
from twisted.internet.defer import Deferred, succeed

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.shared.webhooks.state import HookedState
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.server import Server
from tests.support.small_filters import Echo

OWED = "owed by a test"


class Shared(StorageObject):
    shared = True


class State(HookedState):
    attribute = "of_a_test"

    def __init__(self, pipeline):
        super().__init__(pipeline, OWED)
        self.told = []

    def joined(self, key, user_id, info, holder):
        self.told.append(("joined", key, user_id, info, holder))
        return succeed(None)

    def left(self, key, user_id, info):
        self.told.append(("left", key, user_id, info))
        return succeed(None)

    async def take_over(self, record):
        self.told.append(("took over", record["events"]))


@pytest.fixture
def server():
    with Server(Echo, storage_object=Shared()) as server:
        yield server


@pytest.fixture
def state(server):
    state = State.of(server.pipeline())
    yield state
    if state.settle in server.pipeline().settling:
        State.end(server.pipeline())


def test_what_a_dead_node_held_is_told_once_and_what_is_held_again_is_not(server, state):
    (left,) = server.pipeline().member_left
    left("room", "u", "info")
    server.settle()
    assert state.told == [("left", "room", "u", "info")]
    server.result(state.storage.join("room", "back", "a connection", "info"))
    left("room", "back", "info")
    server.settle()
    assert state.told[-1][:3] == ("joined", "room", "back"), "what was published last is true"


def test_a_member_that_others_were_told_had_left_is_told_of_again(server, state):
    (returned,) = server.pipeline().member_returned
    returned("room", "u", "info")
    assert state.told == [("joined", "room", "u", "info", "")]


def test_a_step_that_fails_is_logged_unless_the_storage_is_away(server, state):
    for error in (StorageAway("away"), ValueError("a fault")):
        step = Deferred()
        state.under_way(step)
        step.errback(error)
    (logged,) = server.errors
    assert "a fault" in logged


def test_at_the_end_what_hooks_were_not_told_is_left_to_others(server, state):
    state.webhooks.private = True
    # Nobody listens there.
    state.webhooks.tell("http://127.0.0.1:1/", {"n": 1}, lambda events: (json.dumps(events).encode(), ()), "app")
    stopped = []
    server.server.stop().addBoth(stopped.append)
    while not stopped:
        server.advance(0.5)
    (record,) = server.result(state.storage.fields(OWED)).values()
    assert {name: json.loads(record)[name] for name in ("app", "events", "due")} == {
        "app": "app",
        "events": [{"n": 1}],
        "due": 0,
    }


def test_a_state_that_has_stopped_hears_and_tells_nothing_more(server, state):
    state.owed.start()
    State.end(server.pipeline())
    pipeline = server.pipeline()
    assert (pipeline.member_left, pipeline.member_returned, pipeline.settling) == ([], [], [])
    server.result(state.storage.put(OWED, "a", json.dumps({"due": 0, "events": ["x"]})))
    server.advance(60)
    assert state.told == []
