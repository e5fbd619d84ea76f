"""Any packet at all has a defined answer."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filtered_websocket.filters.shared.signatures import sign
from tests.filters.pusher.clients import KEY, SECRET, SUCCEEDED, Client, serving

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


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
