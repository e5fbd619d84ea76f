"""Names in the hub and in the storage object."""

from tests.filters.pushi.clients import OTHER, Client


def test_channels_of_two_apps_never_meet(server):
    a, b = Client(server), Client(server, OTHER["key"], OTHER["secret"])
    for client in (a, b):
        client.subscribe("room")
        client.subscribe("presence-a", {"user_id": client.id})
    a.say("room", "x", persist=True)
    assert b.packets() == []
    assert b.ask("latest", "room")["events"] == []
