"""Members that have left and channels that are vacated: told to web hooks after a while, and not when they are back."""

import json

import pytest
from twisted.internet.defer import fail

from filtered_websocket.chain.deferreds import start
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.pusher import departures as module
from filtered_websocket.filters.pusher.apps import App
from filtered_websocket.filters.pusher.departures import Departures, field_of
from filtered_websocket.filters.pusher.keys import key_of
from filtered_websocket.filters.shared.webhooks.owed import Owed
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.server import Server
from tests.filters.pusher.clients import PUSHER

APP = App("1001", "app-key", "app-secret", webhooks=("https://hooks.example/",))
LEFT = {"name": "member_removed", "channel": "presence-a", "user_id": "u"}
CAME = {"name": "member_added", "channel": "presence-a", "user_id": "u"}
VACATED, OCCUPIED = {"name": "channel_vacated", "channel": "a"}, {"name": "channel_occupied", "channel": "a"}
NAME = "owed by a test"


class Shared(StorageObject):
    shared = True


class Pack:
    """What departures know of their pack."""

    def __init__(self, server):
        self.server, self.pipeline = server, server.pipeline()
        self.storage, self.reactor, self.told = server.storage_object, server.reactor, []
        self.owed = Owed(self.storage, NAME, server.server, None)
        self.departures = Departures(self, self.owed)

    def tell(self, app, event, *urls):
        self.told.append(event)

    def under_way(self, step):
        step.addErrback(lambda failure: failure.trap(StorageAway))

    @property
    def kept(self):
        return set(self.server.result(self.storage.fields(NAME)))


@pytest.fixture
def pack(request):
    with Server(PUSHER, storage_object=Shared(), **getattr(request, "param", {})) as server:
        yield Pack(server)


@pytest.mark.parametrize("event", [LEFT, VACATED])
def test_what_has_left_and_stays_away_is_told_once_after_the_delay(pack, event):
    pack.departures.left(APP, event)
    assert pack.kept == {field_of(APP, event)}
    pack.server.advance(2.9)
    assert pack.told == []
    pack.server.advance(0.2)
    assert pack.told == [event]
    assert pack.kept == set()
    pack.server.advance(60)
    assert pack.told == [event]


@pytest.mark.parametrize(("left", "came"), [(LEFT, CAME), (VACATED, OCCUPIED)])
def test_what_comes_back_in_time_is_nothing_to_hooks(pack, left, came):
    pack.departures.left(APP, left)
    pack.departures.came(APP, came)
    pack.server.advance(60)
    assert pack.told == []
    assert pack.kept == set()
    pack.departures.came(APP, came)
    assert pack.told == [came], "nothing was taken back by that one"


def test_what_comes_back_on_another_node_is_nothing_to_hooks_here_or_there(pack):
    other = Pack(pack.server)
    pack.departures.left(APP, LEFT)
    other.departures.came(APP, CAME)
    pack.server.advance(60)
    assert (pack.told, other.told) == ([], [])


def test_what_is_there_when_it_is_due_is_not_told_to_be_gone(pack):
    pack.departures.left(APP, LEFT)
    pack.departures.left(APP, VACATED)
    pack.server.result(pack.storage.join(key_of(APP, "presence-a"), "u", "a connection"))
    pack.server.result(pack.storage.track(key_of(APP, "a"), 1))
    pack.server.advance(60)
    assert pack.told == []


def test_a_departure_that_is_said_again_begins_its_delay_anew(pack):
    pack.departures.left(APP, LEFT)
    pack.server.advance(2)
    pack.departures.left(APP, LEFT)
    pack.server.advance(2)
    assert pack.told == []
    pack.server.advance(2)
    assert pack.told == [LEFT]


@pytest.mark.parametrize(
    ("pack", "app"), [({"pusher_webhook_delay": 0}, APP), ({}, APP._replace(webhooks=()))], indirect=["pack"]
)
def test_without_a_delay_or_a_hook_all_is_told_at_once(pack, app):
    pack.departures.left(app, LEFT)
    pack.departures.came(app, CAME)
    assert pack.told == [LEFT, CAME]
    assert pack.kept == set()


def test_what_is_beyond_so_many_departures_is_told_at_once(pack, monkeypatch):
    monkeypatch.setattr(module, "MAX_WAITING", 2)
    events = [LEFT | {"user_id": str(number)} for number in range(3)]
    for event in events:
        pack.departures.left(APP, event)
    assert pack.told == events[2:]
    pack.server.advance(4)
    assert pack.told == [events[2], events[0], events[1]]


def test_while_the_storage_takes_nothing_this_node_tells_by_itself(pack, monkeypatch):
    for method in ("put", "delete", "members"):
        monkeypatch.setattr(pack.storage, method, lambda *_: fail(StorageAway("away")))
    pack.departures.left(APP, LEFT)
    pack.server.advance(4)
    assert pack.told == [LEFT]
    pack.departures.left(APP, LEFT)
    pack.departures.came(APP, CAME)
    pack.server.advance(60)
    assert pack.told == [LEFT], "it was to be told here, and is back"


def test_at_the_end_what_is_not_due_is_left_to_others(pack):
    pack.departures.left(APP, LEFT)
    pack.server.advance(2)
    pack.departures.left(APP, VACATED)
    ends = []
    start(pack.departures.finish(2)).addCallback(ends.append)
    pack.server.advance(2.1)
    assert ends == [None]
    assert pack.told == [LEFT]
    assert pack.kept == {field_of(APP, VACATED)}
    pack.server.advance(60)
    assert pack.told == [LEFT]


def test_at_the_end_of_a_node_that_is_alone_all_is_told():
    with Server(PUSHER) as server:
        pack = Pack(server)
        pack.departures.left(APP, LEFT)
        pack.departures.left(APP, VACATED)
        server.result(pack.departures.finish(2))
        assert pack.told == [LEFT, VACATED]
        assert pack.kept == set()


def test_departures_of_different_apps_names_channels_and_users_are_kept_apart():
    others = [LEFT | {"user_id": "v"}, LEFT | {"channel": "presence-b"}, VACATED]
    fields = {field_of(APP, event) for event in (LEFT, *others)} | {field_of(APP._replace(id="1002"), LEFT)}
    assert len(fields) == 5
    assert all(isinstance(json.loads(field), list) for field in fields)
