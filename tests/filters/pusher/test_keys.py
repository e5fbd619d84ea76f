"""Names in the hub and in the storage object."""

from tests.filters.pusher.clients import SUCCEEDED, Client, post


def test_channels_of_equal_names_of_two_apps_never_meet(server):
    a, b = Client(server), Client(server, "other-key")
    a.subscribe("room")
    b.send("pusher:subscribe", {"channel": "room"})
    assert b.events() == [(SUCCEEDED, "{}")]
    post(server, "events", {"name": "x", "data": "d", "channel": "room"})
    assert (a.events(), b.events()) == ([("x", "d")], [])
