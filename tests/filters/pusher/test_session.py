"""What one connection sends: client events, and sign-ins."""

import json

import pytest

from filtered_websocket.filters.shared.signatures import sign
from tests.filters.pusher.clients import APP, KEY, SECRET, SUCCEEDED, Client, refused_subscription, serving


def error_of(packets):
    (packet,) = packets
    assert packet["event"] == "pusher:error"
    return packet["data"]["code"]


# Client events.


def test_client_events_reach_the_others_as_they_were_sent(server):
    a, b, c = Client(server), Client(server), Client(server)
    for client in (a, b):
        client.subscribe("private-a")
    c.subscribe("private-b")
    a.send("client-x", {"deep": [1, "é", None]}, "private-a", user_id="forged", socket_id="1.1")
    assert b.packets() == [{"event": "client-x", "channel": "private-a", "data": {"deep": [1, "é", None]}}]
    assert (a.packets(), c.packets()) == ([], [])


def test_on_presence_channels_the_server_names_the_sender(server):
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
        assert server.server.counters.totals["refused", "pusher_client_event_rate"] == 2
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
        assert server.server.counters.totals["refused", "pusher_max_event_size"] == 1


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


def test_a_user_that_has_signed_in_is_somebody_in_presence_channels_and_has_an_own_channel(server):
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


def test_the_user_of_a_connection_is_who_has_signed_in_or_else_the_member_that_it_is(server):
    signed, member, both, nobody = (Client(server) for _ in range(4))
    signed.sign_in("7")
    member.subscribe("presence-a", "8")
    both.subscribe("presence-a", "9")
    both.sign_in("7")
    users = server.pipeline().users
    assert [users[each.id].user for each in (signed, member, both, nobody)] == ["7", "8", "7", None]
