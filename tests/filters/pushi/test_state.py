"""What the pack keeps for one pipeline: members that other nodes held."""

from tests.filters.pushi.clients import Client


def test_members_that_a_dead_node_held_are_taken_out(server):
    watcher = Client(server)
    watcher.subscribe("presence-a", {"user_id": "w"})
    for tell in server.pipeline().member_left:
        tell("app1/members:presence-a", "gone", '{"user_id":"gone"}')
        tell("app1/sockets", '["x","room"]', "")
    assert [packet["event"] for packet in watcher.packets()] == ["pusher:member_removed"]
