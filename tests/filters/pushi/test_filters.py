from uuid import UUID

import pytest

from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.pushi.clients import APP, KEY, PUSHI, Client, Http

# Connecting.


def test_the_first_packet_tells_the_connections_name(server):
    client = Client(server)
    assert UUID(client.id).version == 4
    assert client.client.connection.id == client.id


@pytest.mark.parametrize("path", [f"/{KEY}?x=1", f"/some/where/{KEY}"])
def test_the_last_segment_of_the_path_is_the_key_and_the_query_is_none_of_it(server, path):
    assert len(server.connect(path).received()) == 1


def test_an_unknown_key_is_closed_and_what_is_no_key_refused(server):
    unknown = server.connect("/" + "x" * 64)
    assert (unknown.received(), unknown.close_code) == ([], 4001)
    for path in ("/", "/short", f"/{KEY}/"):
        with pytest.raises(Refused) as refused:
            server.connect(path)
        assert refused.value.status == 404


def test_in_a_pipeline_of_its_own_everything_is_the_same():
    with Server(pipelines={"/*": {"filters": [PUSHI], "pushi_apps": [APP]}}) as server:
        http, a, b = Http(server), Client(server), Client(server)
        for client in (a, b):
            client.subscribe("presence-a", {"user_id": client.id})
        assert a.packets()[0]["event"] == "pusher:member_added"
        http.post("/subscriptions", {"user_id": "u", "event": "room"})
        a.subscribe("personal-u")
        http.trigger(["room", "presence-a"], "x")
        assert (len(a.packets()), len(b.packets())) == (1, 1)
        assert len(http.get("/sockets")["sockets"]) == 3
