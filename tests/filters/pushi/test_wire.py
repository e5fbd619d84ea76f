"""Any packet at all has a defined answer."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.filters.pushi.clients import Client, serving

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


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
