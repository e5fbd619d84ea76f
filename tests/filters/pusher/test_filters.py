import json
import re

import pytest

from filtered_websocket.pipeline.users import Users
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.pusher.clients import APP, KEY, PUSHER, Client, serving

# Connecting.


def test_a_connection_is_greeted_with_an_id_of_two_numbers(server):
    client = Client(server)
    assert client.first["event"] == "pusher:connection_established"
    assert json.loads(client.first["data"])["activity_timeout"] == 120
    assert re.fullmatch(r"\d+\.\d+", client.id)
    assert client.client.connection.id == client.id != Client(server).id


@pytest.mark.parametrize(
    ("key", "query", "code"),
    [
        ("nobody", "?protocol=7", 4001),
        (KEY, "", 4008),
        (KEY, "?protocol=seven", 4006),
        (KEY, "?protocol=\u0667", 4006),
        (KEY, "?protocol=4", 4007),
        (KEY, "?protocol=99999999999999999999", 4007),
        (f"{KEY}/", "?protocol=7", 4001),
        (f"{KEY}%00", "?protocol=7", 4001),
    ],
)
def test_a_client_that_may_not_connect_is_told_why_and_closed_with_the_same_code(server, key, query, code):
    client = Client(server, key, query)
    assert client.first["event"] == "pusher:error"
    assert client.first["data"]["code"] == client.client.close_code == code


def test_another_path_serves_nothing(server):
    with pytest.raises(Refused) as refused:
        server.connect("/somewhere")
    assert refused.value.status == 404


def test_a_disabled_app_and_a_full_one_are_told_apart():
    with serving(APP | {"enabled": False}) as server:
        assert Client(server).client.close_code == 4003
    with serving(APP | {"connections": 1}) as server:
        first, second = Client(server), Client(server)
        assert (first.client.close_code, second.client.close_code) == (None, 4004)
        first.client.close()
        assert Client(server).client.close_code is None


def test_whether_an_app_is_full_is_known_without_a_look_at_its_connections():
    with serving(APP | {"connections": 3}) as server:
        pipeline = server.pipeline()
        for _ in range(2):
            clients = [Client(server) for _ in range(3)]
            looks = Looks(pipeline.users)
            pipeline.users = looks
            assert Client(server).client.close_code == 4004
            assert looks.count == 0
            for client in clients:
                client.client.close()
        assert not pipeline.pusher.sessions


class Looks(Users):
    """Counts how often all of them are looked at."""

    count = 0

    def values(self):
        self.count += 1
        return super().values()

    def __iter__(self):
        self.count += 1
        return super().__iter__()


def test_an_app_in_the_storage_object_counts_too():
    storage = StorageObject()
    storage.put("pusher apps", "7", json.dumps({"id": "7", "key": "stored", "secret": "x"}))
    storage.put("pusher apps", "8", "nonsense")
    with serving(storage_object=storage) as server:
        assert Client(server, "stored").id


def test_pages_of_any_origin_may_connect():
    with serving() as server:
        assert server.connect(f"/app/{KEY}?protocol=7", {"Origin": "https://elsewhere.example"}).is_open


def test_a_ping_is_answered_with_and_without_data(server):
    client = Client(server)
    client.send("pusher:ping", {})
    client.send("pusher:ping")
    assert [event for event, _ in client.events()] == ["pusher:pong", "pusher:pong"]


def test_in_a_pipeline_of_its_own_everything_is_the_same():
    entry = {"filters": [PUSHER], "pusher_apps": [APP]}
    with Server(pipelines={"/app/* /apps/*": entry}) as server:
        a, b = Client(server), Client(server)
        a.subscribe("presence-a", "user-a")
        b.subscribe("presence-a", "user-b")
        assert [name for name, _ in a.events()] == ["pusher_internal:member_added"]
        a.send("client-x", 1, "presence-a")
        assert b.events() == [("client-x", 1)]
        b.client.close()
        assert a.events()[0][0] == "pusher_internal:member_removed"


def test_a_server_that_is_alone_closes_with_1001_when_it_stops():
    with serving() as server:
        client = Client(server)
    assert client.client.close_code == 1001
