"""Events that are published by HTTP: what they may be, and how they go to their channels."""

import pytest

from tests.filters.pusher.clients import EVENT, Client, post


def test_an_event_reaches_each_channel_as_it_was_posted(server):
    client = Client(server)
    for channel in ("a", "b"):
        client.subscribe(channel)
    data = '{"text": "é\\u2028",  "n": 1.10}'
    assert post(server, "events", {"name": "x", "data": data, "channels": ["a", "b", "a"]}) == (200, {})
    assert client.packets() == [{"event": "x", "channel": channel, "data": data} for channel in ("a", "b")]


def test_the_socket_that_is_named_is_left_out(server):
    a, b = Client(server), Client(server)
    for client in (a, b):
        client.subscribe("room")
        client.subscribe("cache-room")
    for channel in ("room", "cache-room"):
        post(server, "events", {"name": "x", "data": "d", "channel": channel, "socket_id": a.id})
    assert (a.packets(), b.events()) == ([], [("x", "d"), ("x", "d")])


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"name": ""}, 400),
        ({"name": None}, 400),
        ({"name": "x" * 201}, 400),
        ({"name": "pusher:error"}, 400),
        ({"name": "pusher_internal:member_added"}, 400),
        ({"data": {"x": 1}}, 400),
        ({"data": None}, 400),
        ({"data": "x" * 10241}, 413),
        ({"data": "é" * 5121}, 413),
        ({"data": "x" * 10240}, 200),
        ({"channel": "a b"}, 400),
        ({"channel": "x" * 165}, 400),
        ({"channel": "x" * 164}, 200),
        ({"channel": None}, 400),
        ({"channels": []}, 400),
        ({"channels": "room"}, 400),
        ({"channels": [f"c{number}" for number in range(101)]}, 400),
        ({"channels": [f"c{number}" for number in range(100)]}, 200),
        ({"channels": ["room", 1]}, 400),
        ({"socket_id": "x"}, 400),
        ({"socket_id": 1.1}, 400),
        ({"socket_id": None}, 200),
        ({"info": 1}, 400),
        ({"info": "secrets"}, 400),
    ],
)
def test_events_are_what_pusher_takes(server, change, status):
    assert post(server, "events", EVENT | change)[0] == status
