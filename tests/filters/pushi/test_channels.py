"""Channels of each kind, their members and peers."""

import json

import pytest

from tests.filters.pushi.clients import SUCCEEDED, Client, Http, said


def test_every_kind_of_channel_tells_about_itself(server):
    client = Client(server)
    for name in ("room", "private-a", "presence-a", "personal-u", "peer-a:u&v"):
        nothing = {"event": SUCCEEDED, "name": name, "members": {}, "alias": [], "events": []}
        assert client.subscribe(name) == nothing
    assert client.ask("subscribe", "other")["event"] == SUCCEEDED


def test_unsubscribing_is_told_and_ends_what_comes(server):
    a, b = Client(server), Client(server)
    for client in (a, b):
        client.subscribe("room")
    assert a.ask("unsubscribe", "room")["event"] == "unsubscription_succeeded"
    b.say("room", "x")
    assert a.packets() == []
    assert a.ask("unsubscribe", "room")["event"] == "subscription_error"


def test_members_hear_of_each_other_once_and_others_do_not(server):
    watcher, onlooker = Client(server), Client(server)
    watcher.subscribe("presence-a", {"user_id": "w"})
    onlooker.subscribe("presence-a")
    sockets = [Client(server) for _ in range(3)]
    for number, socket in enumerate(sockets):
        about = {"user_id": "u", "number": number}
        members = socket.subscribe("presence-a", about if number else json.dumps(about))["members"]
        assert members == {"w": {"user_id": "w"}, "u": about}
    (added,) = watcher.packets()
    assert (added["event"], json.loads(added["member"])) == ("pusher:member_added", {"user_id": "u", "number": 0})
    sockets[0].client.abort()
    sockets[1].ask("unsubscribe", "presence-a")
    assert watcher.packets() == []
    sockets[2].client.close()
    (removed,) = watcher.packets()
    assert (removed["event"], json.loads(removed["member"])["user_id"]) == ("pusher:member_removed", "u")
    watcher.say("presence-a", "x")
    assert [packet["event"] for packet in onlooker.packets()] == ["message"]


@pytest.mark.parametrize(
    "about", [{"name": "x"}, [1], 7, "{", "[]", {"user_id": None}, {"user_id": ""}, {"user_id": []}]
)
def test_channel_data_that_names_nobody_is_refused(server, about):
    client = Client(server)
    assert client.subscribe("presence-a", about)["event"] == "subscription_error"


def test_channel_data_which_all_members_are_told_is_small(server):
    client = Client(server)
    about = {"user_id": "u", "padding": "x" * (16 * 1024 - 28)}
    assert client.subscribe("presence-a", about | {"padding": about["padding"] + "x"})["code"] == 4000
    assert client.subscribe("presence-a", about)["members"] == {"u": about}


def test_the_limit_of_channel_data_counts_its_bytes_as_utf8(server):
    client = Client(server)
    about = {"user_id": "u", "padding": "é" * (8 * 1024 - 14)}
    assert client.subscribe("presence-a", about | {"padding": about["padding"] + "x"})["code"] == 4000
    assert client.subscribe("presence-a", about)["members"] == {"u": about}


def peers(server, *users):
    clients = [Client(server) for _ in users]
    for client, user in zip(clients, users, strict=True):
        client.subscribe("presence-r", {"user_id": user, "peer": True})
    for client in clients:
        client.packets()
    return clients


def test_two_peers_hear_each_other_on_all_their_connections_and_nobody_else_does(server):
    a, b, b2, c = peers(server, "a", "b", "b", "c")
    a.send("message", "psst", "peer-r:a&b")
    assert [client.events()[0][2] for client in (b, b2)] == ["psst", "psst"]
    assert (a.packets(), c.packets()) == ([], [])
    b.say("peer-r:a&b", "yes", echo=True)
    assert [client.events()[0][2] for client in (a, b, b2)] == ["yes"] * 3
    assert [said(event) for event in a.ask("latest", "peer-r:a&b")["events"]] == ["psst"]


@pytest.mark.parametrize("name", ["peer-r:a&b", "peer-r:b&a", "peer-r:c&b", "peer-r:c&c", "peer-r:c", "peer-x:b&c"])
def test_a_third_one_neither_writes_nor_reads_there(server, name):
    a, b, c = peers(server, "a", "b", "c")
    c.say(name, "x", persist=True)
    assert c.events()[0][1] == "pusher_internal:subscription_error"
    assert c.ask("latest", name)["event"] == "subscription_error"
    assert (a.packets(), b.packets()) == ([], [])


def test_two_peers_hear_what_the_app_and_whom_it_signs_for_say_to_them(server):
    (a, b, c), signed = peers(server, "a", "b", "c"), Client(server)
    signed.subscribe("peer-r:a&b")
    for channel in ("peer-r:a&b", ["global", "peer-r:a&b", "presence-r"]):
        Http(server).trigger(channel, "psst")
        for client in (a, b, signed):
            assert client.events() == [("peer-r:a&b", "message", "psst")]
    assert [channel for channel, _, _ in c.events()] == ["presence-r"]
    signed.say("peer-r:a&b", "hear me")
    assert [client.events()[0][2] for client in (a, b)] == ["hear me"] * 2
    assert (signed.packets(), c.packets()) == ([], [])


def test_a_member_that_has_left_the_room_hears_no_peer(server):
    a, b = peers(server, "a", "b")
    b.ask("unsubscribe", "presence-r")
    a.packets()
    a.say("peer-r:a&b", "x")
    assert b.packets() == []
    b.say("peer-r:a&b", "x")
    assert b.events()[0][1] == "pusher_internal:subscription_error"


def test_a_member_that_is_no_peer_or_could_be_taken_for_another_has_no_peers(server):
    shy, odd, other = Client(server), Client(server), Client(server)
    shy.subscribe("presence-r", {"user_id": "shy"})
    odd.subscribe("presence-r", {"user_id": "a&b", "peer": True})
    other.subscribe("presence-r", {"user_id": "c", "peer": True})
    for client in (shy, odd):
        client.packets()
    other.say("peer-r:c&shy", "x")
    assert shy.packets() == []
    odd.say("peer-r:a&b&c", "x")
    assert odd.events()[0][1] == "pusher_internal:subscription_error"


def test_a_personal_channel_brings_the_users_channels_and_takes_them_away(server):
    http, client = Http(server), Client(server)
    for name in ("private-news", "room"):
        http.post("/subscriptions", {"user_id": "u", "event": name})
    http.trigger("room", "earlier")
    about = client.subscribe("personal-u")
    assert about["alias"] == ["private-news", "room"]
    assert [said(event) for event in about["events"]] == ["earlier"]
    http.trigger("private-news", "x", persist=False)
    assert client.events() == [("private-news", "message", "x")]
    assert [said(event) for event in client.ask("latest", "personal-u")["events"]] == ["earlier"]
    client.ask("unsubscribe", "personal-u")
    for name in ("private-news", "room"):
        http.trigger(name, "x")
    assert client.packets() == []


def test_a_channel_subscribed_to_by_hand_outlives_the_personal_one(server):
    http, client = Http(server), Client(server)
    http.post("/subscriptions", {"user_id": "u", "event": "room"})
    client.subscribe("room")
    client.subscribe("personal-u")
    client.ask("unsubscribe", "personal-u")
    http.trigger("room", "x", persist=False)
    assert client.events() == [("room", "message", "x")]


def test_personal_channels_that_name_each_other_end(server):
    http, client = Http(server), Client(server)
    http.post("/subscriptions", {"user_id": "a", "event": "personal-b"})
    http.post("/subscriptions", {"user_id": "b", "event": "personal-a"})
    assert client.subscribe("personal-a")["alias"] == ["personal-b"]
    http.post("/subscriptions", {"user_id": "b", "event": "secret"})
    http.trigger("secret", "x")
    assert client.packets() == []


def test_the_user_of_a_connection_is_the_member_or_the_one_whose_personal_channel_it_is_in(server):
    member, personal, nobody = (Client(server) for _ in range(3))
    member.subscribe("presence-a", {"user_id": "m"})
    personal.subscribe("personal-u")
    nobody.subscribe("private-a")
    users = server.pipeline().users
    assert [users[each.id].user for each in (member, personal, nobody)] == ["m", "u", None]
