"""What the pack keeps for one pipeline: members that other nodes held."""

from tests.filters.pusher.clients import Client


def test_members_that_a_dead_node_held_are_taken_out_once(server):
    watcher = Client(server)
    watcher.subscribe("presence-a", "w")
    pipeline = server.pipeline()
    for tell in pipeline.member_left:
        tell("1001:presence-a", "gone", "null")
    assert watcher.events() == [("pusher_internal:member_removed", '{"user_id":"gone"}')]


def test_a_member_that_was_never_gone_is_told_of_again(server):
    watcher = Client(server)
    watcher.subscribe("presence-a", "w")
    for tell in server.pipeline().member_returned:
        tell("1001:presence-a", "back", "null")
    assert [name for name, _ in watcher.events()] == ["pusher_internal:member_added"]
