"""Channels of each kind, and their members."""

import json
from collections import Counter

import pytest

from tests.filters.pusher.clients import SUCCEEDED, Client, post, refused_subscription, serving


def test_each_kind_of_channel_answers_its_own_way(server):
    client = Client(server)
    for channel in ("room", "private-a", "private-encrypted-a"):
        assert client.subscribe(channel) == [{"event": SUCCEEDED, "channel": channel, "data": "{}"}]
    (answer,) = client.subscribe("presence-a", "1", user_info={"n": 1})
    assert json.loads(answer["data"]) == {"presence": {"count": 1, "ids": ["1"], "hash": {"1": {"n": 1}}}}
    for channel in ("cache-a", "private-cache-a"):
        assert [packet["event"] for packet in client.subscribe(channel)] == [SUCCEEDED, "pusher:cache_miss"]


def test_a_public_channel_needs_no_signature(server):
    client = Client(server)
    client.send("pusher:subscribe", {"channel": "room"})
    assert client.events() == [(SUCCEEDED, "{}")]


@pytest.mark.parametrize(
    "name", [None, 1, "", "a b", "a" * 165, "é", "#server", "#server-to-user-", "a/b", "a:b", "!x", "\ud800"]
)
def test_what_can_be_no_channel_is_refused(server, name):
    client = Client(server)
    client.send("pusher:subscribe", {"channel": name})
    assert refused_subscription(client.packets())[1] == 400


def test_a_connection_may_be_in_so_many_channels():
    with serving(max_channels=2) as server:
        client = Client(server)
        for name in ("a", "b"):
            client.subscribe(name)
        assert refused_subscription(client.subscribe("c")) == ("c", 403)
        client.send("pusher:unsubscribe", {"channel": "a"})
        assert client.subscribe("c")[0]["event"] == SUCCEEDED


def test_unsubscribing_is_not_answered_and_ends_the_events(server):
    client = Client(server)
    client.subscribe("room")
    client.send("pusher:unsubscribe", {"channel": "room"})
    client.send("pusher:unsubscribe", {"channel": "never"})
    post(server, "events", {"name": "x", "data": "", "channel": "room"})
    assert client.packets() == []


def test_subscribing_twice_is_subscribing_once(server):
    client = Client(server)
    for _ in range(2):
        client.subscribe("room")
    post(server, "events", {"name": "x", "data": "d", "channel": "room"})
    assert client.events() == [("x", "d")]


def test_members_are_told_of_a_users_first_and_last_connection(server):
    watcher = Client(server)
    watcher.subscribe("presence-a", "w")
    sockets = [Client(server) for _ in range(3)]
    for socket in sockets:
        socket.subscribe("presence-a", 7, user_info={"n": 7})
    added = {"event": "pusher_internal:member_added", "channel": "presence-a"}
    assert watcher.packets() == [added | {"data": '{"user_id":"7","user_info":{"n":7}}'}]
    sockets[0].client.abort()
    sockets[1].send("pusher:unsubscribe", {"channel": "presence-a"})
    assert watcher.packets() == []
    sockets[2].client.close()
    removed = {"event": "pusher_internal:member_removed", "channel": "presence-a"}
    assert watcher.packets() == [removed | {"data": '{"user_id":"7"}'}]


def test_a_connection_that_becomes_another_user_is_the_other_one_only(server):
    watcher, client = Client(server), Client(server)
    watcher.subscribe("presence-a", "w")
    client.subscribe("presence-a", "1")
    client.subscribe("presence-a", "2")
    client.client.close()
    edges = [(event.rpartition("_")[2], json.loads(data)["user_id"]) for event, data in watcher.events()]
    assert edges == [("added", "1"), ("removed", "1"), ("added", "2"), ("removed", "2")]


@pytest.mark.parametrize("members", [10, 100])
def test_all_members_are_read_once_for_a_client_that_joins_and_never_for_one_that_leaves(members):
    with serving(pusher_max_members=0) as server:
        for number in range(members):
            Client(server).subscribe("presence-a", str(number))
        storage, asked = server.pipeline().storage_object, Counter()
        for name in ("members", "member", "member_count"):
            setattr(storage, name, counted(asked, name, getattr(storage, name)))
        client = Client(server)
        (answer,) = client.subscribe("presence-a", "new")
        assert json.loads(answer["data"])["presence"]["count"] == members + 1
        assert asked == {"members": 1}
        client.send("pusher:unsubscribe", {"channel": "presence-a"})
        Client(server).subscribe("presence-a", "another").clear()
        assert asked == {"members": 2}


def counted(asked, name, method):
    def count(*arguments):
        asked[name] += 1
        return method(*arguments)

    return count


def test_a_presence_channel_has_so_many_members_of_so_many_bytes():
    with serving(pusher_max_members=2, pusher_max_member_size=100) as server:
        for user in ("1", "2"):
            Client(server).subscribe("presence-a", user)
        late = Client(server)
        assert refused_subscription(late.subscribe("presence-a", "3")) == ("presence-a", 403)
        assert late.subscribe("presence-a", "2")[0]["event"] == SUCCEEDED
        large = Client(server)
        assert refused_subscription(large.subscribe("presence-b", "1", user_info="x" * 100)) == ("presence-b", 413)
        assert large.subscribe("room")[0]["event"] == SUCCEEDED
