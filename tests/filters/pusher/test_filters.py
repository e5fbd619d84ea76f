import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filtered_websocket.filters.shared.signatures import sign
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.pusher.clients import APP, KEY, PUSHER, SECRET, Client, post, serving

SUCCEEDED = "pusher_internal:subscription_succeeded"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.fixture
def server():
    with serving() as server:
        yield server


def error_of(packets):
    (packet,) = packets
    assert packet["event"] == "pusher:error"
    return packet["data"]["code"]


def refused_subscription(packets):
    (packet,) = packets
    assert packet["event"] == "pusher:subscription_error"
    return packet["channel"], packet["data"]["status"]


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
def test_who_may_not_connect_is_told_why_and_closed_with_the_same_code(server, key, query, code):
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


# Subscribing.


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


@pytest.mark.parametrize("channel", ["private-a", "presence-a", "private-encrypted-a", "private-cache-a"])
@pytest.mark.parametrize(
    "auth", [None, "", KEY, f"{KEY}:", f"{KEY}:{'0' * 64}", f"other-key:{'0' * 64}", 123, True, [], {}, "é" * 70]
)
def test_a_wrong_signature_subscribes_to_nothing(server, channel, auth):
    client = Client(server)
    client.send("pusher:subscribe", {"channel": channel, "auth": auth, "channel_data": '{"user_id":"1"}'})
    assert refused_subscription(client.packets()) == (channel, 401)
    assert post(server, "events", {"name": "x", "data": "", "channels": [channel]})[0] == 200
    assert client.packets() == []


def test_a_signature_is_of_one_connection_and_channel_and_identity(server):
    a, b = Client(server), Client(server)
    about = '{"user_id":"1"}'
    for auth, channel, channel_data in (
        (b.auth("private-a"), "private-a", None),
        (a.auth("private-a"), "private-b", None),
        (a.auth("presence-a"), "presence-a", about),
        (a.auth("presence-a", about), "presence-a", '{"user_id":"2"}'),
    ):
        a.send("pusher:subscribe", {"channel": channel, "auth": auth, "channel_data": channel_data})
        assert refused_subscription(a.packets()) == (channel, 401)


@pytest.mark.parametrize(
    "about", ["{", "[]", "{}", '{"user_id":null}', '{"user_id":true}', '{"user_id":""}', '{"user_id":1e999}', '"x"']
)
def test_channel_data_that_names_nobody_is_refused_although_it_is_signed(server, about):
    client = Client(server)
    auth = client.auth("presence-a", about)
    client.send("pusher:subscribe", {"channel": "presence-a", "auth": auth, "channel_data": about})
    assert refused_subscription(client.packets()) == ("presence-a", 400)


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


# Presence.


def test_members_are_told_of_a_users_first_connection_and_his_last(server):
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


# Client events.


def test_client_events_reach_the_others_as_they_were_sent(server):
    a, b, c = Client(server), Client(server), Client(server)
    for client in (a, b):
        client.subscribe("private-a")
    c.subscribe("private-b")
    a.send("client-x", {"deep": [1, "é", None]}, "private-a", user_id="forged", socket_id="1.1")
    assert b.packets() == [{"event": "client-x", "channel": "private-a", "data": {"deep": [1, "é", None]}}]
    assert (a.packets(), c.packets()) == ([], [])


def test_on_presence_channels_the_server_says_who_it_was(server):
    a, b = Client(server), Client(server)
    b.subscribe("presence-a", "2")
    a.subscribe("presence-a", "1")
    b.packets()
    a.send("client-x", "d", "presence-a", user_id="2")
    assert [packet["user_id"] for packet in b.packets()] == ["1"]


@pytest.mark.parametrize(
    ("event", "channel", "code"),
    [
        ("client-x", "room", 4301),
        ("client-x", "private-encrypted-a", 4301),
        ("client-x", "private-elsewhere", 4301),
        ("client-x", None, 4301),
        (f"client-{'x' * 200}", "private-a", 4301),
        ("x", "private-a", 4300),
        ("pusher:member_added", "private-a", 4300),
        ("pusher_internal:member_added", "private-a", 4300),
        ("Client-x", "private-a", 4300),
    ],
)
def test_what_is_no_client_event_of_this_channel_goes_nowhere(server, event, channel, code):
    a, b = Client(server), Client(server)
    for client in (a, b):
        for name in ("room", "private-a", "private-encrypted-a"):
            client.subscribe(name)
    a.send(event, {}, channel)
    assert error_of(a.packets()) == code
    assert b.packets() == []
    assert a.client.is_open


def test_an_app_may_have_no_client_events():
    with serving(APP | {"client_events": False}) as server:
        client = Client(server)
        client.subscribe("private-a")
        client.send("client-x", {}, "private-a")
        assert error_of(client.packets()) == 4301


def test_ten_client_events_go_out_in_a_second_and_no_more():
    with serving() as server:
        a, b = Client(server), Client(server)
        for client in (a, b):
            client.subscribe("private-a")
        for number in range(12):
            a.send("client-x", number, "private-a")
        assert [data for _, data in b.events()] == list(range(10))
        assert [packet["data"]["code"] for packet in a.packets()] == [4301, 4301]
        server.advance(0.5)
        for number in range(6):
            a.send("client-x", number, "private-a")
        assert [data for _, data in b.events()] == list(range(5))


def test_a_large_client_event_is_refused():
    with serving(pusher_max_event_size=100) as server:
        client = Client(server)
        client.subscribe("private-a")
        client.send("client-x", "x" * 98, "private-a")
        assert client.packets() == []
        client.send("client-x", "x" * 99, "private-a")
        assert error_of(client.packets()) == 4301


@pytest.mark.parametrize(
    ("data", "size"),
    [
        ("é" * 2000, 4002),
        ("\N{PILE OF POO}" * 100, 402),
        ("\ud800" * 10, 32),
        ({"é": ["é" * 1000]}, 2011),
        ("\\" * 50, 102),
        ("x" * 100, 102),
    ],
)
def test_a_client_event_s_limit_counts_the_bytes_of_its_data_as_utf8(data, size):
    for most, refused in ((size, False), (size - 1, True)):
        with serving(pusher_max_event_size=most) as server:
            a, b = Client(server), Client(server)
            for client in (a, b):
                client.subscribe("private-a")
            a.send("client-x", data, "private-a")
            if refused:
                assert error_of(a.packets()) == 4301
            assert b.events() == ([] if refused else [("client-x", data)])


# Signing in.


def test_a_user_who_has_signed_in_is_somebody_in_presence_channels_and_has_a_channel_of_his_own(server):
    client = Client(server)
    (answer,) = client.sign_in("7")
    assert answer["event"] == "pusher:signin_success"
    assert json.loads(json.loads(answer["data"])["user_data"])["id"] == "7"
    client.send("pusher:subscribe", {"channel": "presence-a", "auth": client.auth("presence-a")})
    assert json.loads(client.packets()[0]["data"])["presence"]["hash"] == {"7": {"n": "7"}}
    client.send("pusher:subscribe", {"channel": "#server-to-user-7", "auth": ""})
    assert client.events() == [(SUCCEEDED, "{}")]
    client.send("pusher:subscribe", {"channel": "#server-to-user-8", "auth": ""})
    assert refused_subscription(client.packets()) == ("#server-to-user-8", 401)


@pytest.mark.parametrize("user_data", [None, 1, "{}", '{"id":""}', '{"id":7}', "[", "[]"])
def test_a_sign_in_that_names_nobody_closes(server, user_data):
    client = Client(server)
    auth = f"{KEY}:{sign(SECRET, f'{client.id}::user::{user_data}')}"
    client.send("pusher:signin", {"auth": auth, "user_data": user_data})
    assert error_of(client.packets()) == client.client.close_code == 4009


def test_a_sign_in_with_a_wrong_signature_closes(server):
    client = Client(server)
    user_data = '{"id":"7"}'
    # A subscription's signature is none of a sign-in, whatever the channel was called.
    client.send("pusher:signin", {"auth": client.auth(f"user::{user_data}"), "user_data": user_data})
    assert error_of(client.packets()) == client.client.close_code == 4009


def test_nobody_signs_in_as_two(server):
    client = Client(server)
    client.sign_in("7")
    client.sign_in("7")
    client.sign_in("8")
    assert client.client.close_code == 4009


# Anything at all.


@given(st.one_of(JSON.map(json.dumps), st.text(), st.binary()))
@settings(max_examples=60, deadline=None)
def test_any_message_has_a_defined_answer(message):
    with serving() as server:
        client = Client(server)
        client.client.send(message)
        answers = client.packets()
        assert [packet["event"] for packet in answers] in (["pusher:error"], [])
        assert client.client.is_open


@given(st.sampled_from(["subscribe", "unsubscribe", "signin", "ping", "pong"]), JSON, JSON)
@settings(max_examples=60, deadline=None)
def test_any_data_of_the_known_packets_has_a_defined_answer(event, data, channel):
    with serving() as server:
        client = Client(server)
        client.client.send(json.dumps({"event": f"pusher:{event}", "data": data, "channel": channel}))
        known = {"pusher:error", "pusher:pong", "pusher:subscription_error", SUCCEEDED, "pusher:cache_miss"}
        assert {packet["event"] for packet in client.packets()} <= known


def test_what_is_signed_has_a_defined_answer_whatever_it_is(server):
    @given(st.text() | JSON.map(json.dumps), JSON, JSON)
    @settings(max_examples=100, deadline=None)
    def tried(text, user_id, info):
        for about in (text, json.dumps({"user_id": user_id, "user_info": info}), json.dumps({"id": user_id})):
            client = Client(server)
            data = {"channel": "presence-a", "channel_data": about, "auth": client.auth("presence-a", about)}
            client.send("pusher:subscribe", data)
            client.send("client-x", info, "presence-a")
            answers = client.packets()
            assert answers
            assert {each["event"] for each in answers} <= {SUCCEEDED, "pusher:subscription_error", "pusher:error"}
            auth = f"{KEY}:{sign(SECRET, f'{client.id}::user::{about}')}"
            client.send("pusher:signin", {"auth": auth, "user_data": about})
            (answer,) = client.packets()
            if answer["event"] == "pusher:signin_success":
                client.client.close()
            else:
                assert answer["data"]["code"] == client.client.close_code == 4009

    tried()


@pytest.mark.parametrize(
    "message",
    [
        '{"event":"pusher:ping","event":' + "[" * 5000,
        "[" * 100000,
        '{"event":"client-x","channel":"private-a","data":1e999}',
        '{"event":"client-x","channel":"private-a","data":NaN}',
        '{"event":"client-x","channel":"private-a","data":' + "9" * 5000 + "}",
        '{"event":"client-x","channel":"private-a","data":' + "[" * 900 + "]" * 900 + "}",
        '{"event":"client-x","channel":"private-a","data":"\\ud800"}',
        '{"event":"client-x\\u0000","channel":"private-a","data":"\\u0000"}',
        b'{"event":"client-x","channel":"private-a","data":1}',
    ],
)
def test_hostile_json_breaks_nothing_and_nobody_gets_what_browsers_cannot_parse(server, message):
    a, b = Client(server), Client(server)
    for client in (a, b):
        client.subscribe("private-a")
    a.client.send(message)
    for text in b.client.received():
        assert isinstance(text, str)
        assert "Infinity" not in text
        assert "NaN" not in text
    a.packets()
    a.send("pusher:ping")
    assert a.events() == [("pusher:pong", "{}")]


def test_channels_of_equal_names_of_two_apps_never_meet(server):
    a, b = Client(server), Client(server, "other-key")
    a.subscribe("room")
    b.send("pusher:subscribe", {"channel": "room"})
    assert b.events() == [(SUCCEEDED, "{}")]
    post(server, "events", {"name": "x", "data": "d", "channel": "room"})
    assert (a.events(), b.events()) == ([("x", "d")], [])


def test_in_a_pipeline_of_its_own_everything_is_the_same():
    entry = {"filters": [PUSHER], "pusher_apps": [APP]}
    with Server(pipelines={"/app/* /apps/*": entry}) as server:
        a, b = Client(server), Client(server)
        for client in (a, b):
            client.subscribe("presence-a", client.id[:5])
        a.packets()
        a.send("client-x", 1, "presence-a")
        assert b.events() == [("client-x", 1)]
        b.client.close()
        assert a.events()[0][0] == "pusher_internal:member_removed"


def test_a_server_that_is_alone_closes_with_1001_when_it_stops():
    with serving() as server:
        client = Client(server)
    assert client.client.close_code == 1001
