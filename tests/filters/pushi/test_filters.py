import json
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.pushi.clients import APP, KEY, OTHER, PUSHI, Client, Http, said, serving

SUCCEEDED = "subscription_succeeded"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.fixture
def server():
    with serving() as server:
        yield server


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


# Kinds of channels.


def test_every_kind_of_channel_tells_about_itself(server):
    client = Client(server)
    for name in ("room", "private-a", "presence-a", "personal-u", "peer-a:u&v"):
        nothing = {"event": SUCCEEDED, "name": name, "members": {}, "alias": [], "events": []}
        assert client.subscribe(name) == nothing
    assert client.ask("subscribe", "other")["event"] == SUCCEEDED


@pytest.mark.parametrize("name", ["private-a", "presence-a", "personal-u", "peer-a:u&v"])
@pytest.mark.parametrize("auth", [None, "", KEY, f"{KEY}:{'0' * 64}", 1, True, [], {}, "é"])
def test_a_wrong_signature_subscribes_to_nothing(server, name, auth):
    client, http = Client(server), Http(server)
    assert client.ask("subscribe", name, auth=auth)["event"] == "subscription_error"
    http.trigger(name, "secret")
    assert client.packets() == []
    assert client.ask("latest", name)["event"] == "subscription_error"


def test_a_signature_is_of_one_connection_channel_and_app(server):
    a, b = Client(server), Client(server)
    for auth in (b.auth("private-a"), a.auth("private-b"), a.auth("private-a").replace(KEY, OTHER["key"])):
        assert a.ask("subscribe", "private-a", auth=auth)["code"] == 4009


def test_presence_may_have_to_be_signed():
    about = '{"user_id": "u"}'
    for required in (False, True):
        with serving(pushi_signed_presence=required) as server:
            client = Client(server)
            full = client.ask("subscribe", "presence-a", auth=client.auth(f"presence-a:{about}"), channel_data=about)
            assert full["members"] == {"u": {"user_id": "u"}}
            bare = client.ask("subscribe", "presence-b", auth=client.auth("presence-b"), channel_data=about)
            assert bare["event"] == ("subscription_error" if required else SUCCEEDED)
            nobody = client.ask("subscribe", "presence-c", auth=client.auth("presence-c"))
            assert nobody["event"] == SUCCEEDED


def test_unsubscribing_is_told_and_ends_what_comes(server):
    a, b = Client(server), Client(server)
    for client in (a, b):
        client.subscribe("room")
    assert a.ask("unsubscribe", "room")["event"] == "unsubscription_succeeded"
    b.say("room", "x")
    assert a.packets() == []
    assert a.ask("unsubscribe", "room")["event"] == "subscription_error"


# Events.


def test_an_event_goes_to_the_others_and_with_echo_to_oneself(server):
    a, b, c = Client(server), Client(server), Client(server)
    for client in (a, b):
        client.subscribe("room")
    c.subscribe("other")
    a.send("shout", {"x": [1, None]}, "room", persist=False)
    a.send("shout", "again", "room", persist=False, echo=True)
    first = {"channel": "room", "event": "shout", "data": '{"x":[1,null]}'}
    assert b.packets() == [first, first | {"data": "again"}]
    assert a.packets() == [first | {"data": "again"}]
    assert c.packets() == []


def test_what_is_stored_has_a_name_and_a_time(server):
    a, b = Client(server), Client(server)
    for client in (a, b):
        client.subscribe("room")
    a.send("message", "kept", "room")
    (packet,) = b.packets()
    assert UUID(packet["mid"]).version == 4
    assert isinstance(packet["timestamp"], float)
    (record,) = a.ask("latest", "room")["events"]
    assert record["data"] == {"channel": "room", "event": "message", "data": "kept"}
    assert (record["mid"], record["timestamp"], record["owner_id"]) == (packet["mid"], packet["timestamp"], a.id)
    assert (record["id"], record["instance"], record["channel"], record["enabled"]) == (1, "app1", "room", True)


@pytest.mark.parametrize("data", ["", "0", "é\ud800", None, 0, False, [], {}])
def test_no_data_is_lost(server, data):
    a, b = Client(server), Client(server)
    for client in (a, b):
        client.subscribe("room")
    a.client.send(json.dumps({"event": "message", "channel": "room", "data": data}))
    (packet,) = b.packets()
    assert packet["data"] == (data if isinstance(data, str) else json.dumps(data))


def test_the_latest_events_come_newest_first_and_from_where_one_asks(server):
    client = Client(server)
    client.subscribe("room")
    for number in range(15):
        client.say("room", str(number), persist=True)
    asked = [{}, {"skip": 13}, {"skip": "1", "count": "2"}, {"count": 0}, {"skip": -5, "count": 1}]
    got = [[said(event) for event in client.ask("latest", "room", **each)["events"]] for each in asked]
    assert got == [[str(n) for n in range(14, 4, -1)], ["1", "0"], ["13", "12"], [], ["14"]]
    for count in (12, 500):
        assert [said(event) for event in client.ask("latest", "room", count=count)["events"]] == [
            str(number) for number in range(14, max(14 - count, -1), -1)
        ]
    for wrong in ({"skip": "x"}, {"count": True}, {"count": 1.5}, {"skip": [1]}):
        assert client.ask("latest", "room", **wrong)["code"] == 4000


def test_one_answer_holds_no_more_than_a_server_can_bear():
    with serving(pushi_max_event_size="1M") as server:
        client = Client(server)
        client.subscribe("room")
        for number in range(6):
            client.say("room", f"{number}" * 1_000_000, persist=True)
        assert [said(event)[0] for event in client.ask("latest", "room")["events"]] == ["5", "4", "3", "2"]
        assert [said(event)[0] for event in client.ask("latest", "room", skip=4)["events"]] == ["1", "0"]


def test_an_app_keeps_so_many_events_for_so_long():
    with serving(APP | {"keep_events": 3}) as server:
        client = Client(server)
        client.subscribe("room")
        for number in range(5):
            client.say("room", str(number), persist=True)
        assert [said(event) for event in client.ask("latest", "room")["events"]] == ["4", "3", "2"]
    with serving(APP | {"keep_seconds": 1}) as server:
        keep = server.pipeline().pushi
        assert keep.apps.get("app1").keep_seconds == 1


@pytest.mark.parametrize("name", ["room", "private-a", "presence-a", "personal-u", "peer-a:u&v", "peer-a:", "peer-"])
def test_nobody_says_anything_where_he_is_not(server, name):
    a, b = Client(server), Client(server)
    b.subscribe(name)
    a.say(name, "x", persist=True)
    assert a.events()[0][:2] == (name, "pusher_internal:subscription_error")
    assert b.packets() == []
    assert b.ask("latest", name)["events"] == []


@pytest.mark.parametrize("event", ["pusher:member_added", "pusher_internal:subscription_succeeded", "pusher:x"])
def test_what_only_a_server_says_is_never_passed_on(server, event):
    a, b = Client(server), Client(server)
    for client in (a, b):
        client.subscribe("room")
    a.send(event, {"channel": "room"}, "room", member='{"user_id":"forged"}')
    assert a.events()[0][:2] == ("room", "pusher_internal:subscription_error")
    assert b.packets() == []


def test_events_may_have_a_rate():
    with serving(pushi_event_rate=2) as server:
        a, b = Client(server), Client(server)
        for client in (a, b):
            client.subscribe("room")
        for number in range(3):
            a.say("room", str(number))
        assert [data for _, _, data in b.events()] == ["0", "1"]
        assert len(a.packets()) == 1
        server.advance(1)
        a.say("room", "later")
        assert len(b.packets()) == 1


def test_an_event_has_a_size_and_its_name_has_one_by_default(server):
    """The kind: a limit that stops at the field it names, beside one that may hold as much."""
    a, b = Client(server), Client(server)
    for client in (a, b):
        client.subscribe("room")
    for data, name in (("x" * 65537, "n"), ({"x": "x" * 65536}, "n"), ("\u00e9" * 32769, "n"), ("x", "n" * 201)):
        for persist in (False, True):
            a.send(name, data, "room", persist=persist)
            (refused,) = a.packets()
            assert (refused["channel"], refused["event"]) == ("room", "pusher_internal:subscription_error")
    assert b.packets() == []
    for data, name in (("x" * 65536, "n"), ("\u00e9" * 32768, "n"), (["\u00e9" * 32000], "n"), ("x", "n" * 200)):
        a.send(name, data, "room", persist=False)
        assert len(b.packets()) == 1
    assert a.client.is_open


def test_events_have_a_rate_by_default(server):
    client = Client(server)
    client.subscribe("room")
    for _ in range(101):
        client.say("room", "x")
    assert len(client.packets()) == 1


# Presence.


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


def test_members_that_a_dead_node_held_are_taken_out(server):
    watcher = Client(server)
    watcher.subscribe("presence-a", {"user_id": "w"})
    for tell in server.pipeline().member_left:
        tell("app1/members:presence-a", "gone", '{"user_id":"gone"}')
        tell("app1/sockets", '["x","room"]', "")
    assert [packet["event"] for packet in watcher.packets()] == ["pusher:member_removed"]


# Peers.


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


def test_who_has_left_the_room_hears_no_peer(server):
    a, b = peers(server, "a", "b")
    b.ask("unsubscribe", "presence-r")
    a.packets()
    a.say("peer-r:a&b", "x")
    assert b.packets() == []
    b.say("peer-r:a&b", "x")
    assert b.events()[0][1] == "pusher_internal:subscription_error"


def test_who_is_no_peer_or_could_be_taken_for_another_has_no_peers(server):
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


# Personal channels.


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


# Anything at all.


@given(st.one_of(JSON.map(json.dumps), st.text(), st.binary()))
@settings(max_examples=60, deadline=None)
def test_any_message_has_a_defined_answer(message):
    with serving() as server:
        client = Client(server)
        client.client.send(message)
        assert client.packets() == []
        assert client.client.close_code == 4000


@given(st.sampled_from(["subscribe", "unsubscribe", "latest", "x"]), JSON, JSON, JSON)
@settings(max_examples=60, deadline=None)
def test_any_data_of_the_known_packets_has_a_defined_answer(event, data, about, channel):
    with serving() as server:
        for inner in (data, {"channel": channel, "channel_data": about}, {"channel": "presence-a", "auth": data}):
            client = Client(server)
            client.client.send(json.dumps({"event": f"pusher:{event}", "data": inner, "channel": about}))
            packets = client.packets()
            assert packets or client.client.close_code in (4000, 4003)
            assert all(isinstance(packet["channel"], str) for packet in packets)


def test_what_is_signed_has_a_defined_answer_whatever_comes_with_it(server):
    @given(JSON, JSON, JSON, st.text(max_size=200))
    @settings(max_examples=100, deadline=None)
    def tried(about, number, data, channel):
        client = Client(server)
        for name, channel_data in ((f"presence-{channel}", about), ("presence-a", {"user_id": about, "peer": number})):
            asked = {"channel": name, "auth": client.auth(name), "channel_data": channel_data}
            client.send("pusher:subscribe", asked)
            answers = client.packets()
            assert [packet["channel"] for packet in answers] == [name] or client.client.close_code == 4000
            client = Client(server) if client.client.close_code else client
        client.subscribe("personal-u")
        client.send("pusher:latest", {"channel": "personal-u", "skip": number, "count": about})
        (answer,) = client.packets()
        assert answer["channel"] == "personal-u"
        client.send("message", data, "personal-u", echo=True, persist=number)
        assert client.client.is_open
        assert all(isinstance(packet["data"], str) for packet in client.packets())
        client.client.close()

    tried()


@pytest.mark.parametrize(
    "data", ["1e999", "NaN", "[" * 900 + "]" * 900, "[" * 90000, "9" * 5000, '"\\ud800\\u0000"', "1E400", "-Infinity"]
)
def test_hostile_json_breaks_nothing_and_nobody_gets_what_browsers_cannot_parse(server, data):
    a, b = Client(server), Client(server)
    for client in (a, b):
        client.subscribe("room")
    a.client.send(f'{{"event":"message","channel":"room","data":{data}}}')
    for packet in b.packets():
        assert "Infinity" not in packet["data"]
    b.say("room", "still here")


def test_json_in_a_binary_frame_is_parsed_and_goes_out_as_text(server):
    a, b = Client(server), Client(server)
    for client in (a, b):
        client.subscribe("room")
    a.client.send(b'{"event":"message","channel":"room","data":"x"}')
    (message,) = b.client.received()
    assert isinstance(message, str)


def test_channels_of_two_apps_never_meet(server):
    a, b = Client(server), Client(server, OTHER["key"], OTHER["secret"])
    for client in (a, b):
        client.subscribe("room")
        client.subscribe("presence-a", {"user_id": client.id})
    a.say("room", "x", persist=True)
    assert b.packets() == []
    assert b.ask("latest", "room")["events"] == []


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
