"""What is signed."""

import json
import time

import pytest

from filtered_websocket.web.base import HTTPRequest
from tests.filters.pusher.clients import EVENT, KEY, Client, ask, get, post, refused_subscription, signed


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


# Signatures.


@pytest.mark.parametrize("name", ["auth_key", "auth_timestamp", "auth_version", "body_md5"])
@pytest.mark.parametrize("value", ["", "0", "x", "1.1"])
def test_a_request_is_signed_as_a_whole(server, name, value):
    """Signed right, but with a parameter that says something else."""
    assert post(server, "events", EVENT, **{name: value})[0] == 401


def test_nothing_can_be_said_besides_what_is_signed(server):
    right = signed("GET", "/apps/1001/channels", info="subscription_count")
    assert ask(server, right)[0] == 200
    path, _, query = right.uri.partition("?")
    for uri in (f"{path}?info=&{query}", f"{right.uri}&info=", f"{path}?{query}&auth_key=app-key"):
        assert ask(server, HTTPRequest("GET", uri))[0] == 401


@pytest.mark.parametrize("seconds", [-700, 700])
def test_a_request_is_of_now(server, seconds):
    assert post(server, "events", EVENT, auth_timestamp=str(int(time.time()) + seconds))[0] == 401
    assert post(server, "events", EVENT, auth_timestamp=str(int(time.time()) + seconds // 2))[0] == 200


def test_another_secret_another_body_another_path_and_another_app_are_refused(server):
    assert ask(server, signed("POST", "/apps/1001/events", EVENT, secret="wrong"))[0] == 401
    assert ask(server, signed("POST", "/apps/1002/events", EVENT))[0] == 401
    assert ask(server, signed("POST", "/apps/9999/events", EVENT))[0] == 401
    right = signed("POST", "/apps/1001/events", EVENT)
    assert ask(server, HTTPRequest("POST", right.uri, body=json.dumps(EVENT | {"data": "forged"}).encode()))[0] == 401
    assert ask(server, HTTPRequest("POST", right.uri, body=b""))[0] == 401
    batch = HTTPRequest("POST", right.uri.replace("/events", "/batch_events"), body=right.body)
    assert ask(server, batch)[0] == 401
    assert ask(server, HTTPRequest("POST", "/apps/1001/events", body=right.body))[0] == 401
    assert ask(server, right)[0] == 200


def test_parameters_may_be_encoded_and_hold_any_sign(server):
    Client(server).subscribe("presence-a=@,.;", "1")
    wanted = {"filter_by_prefix": "presence-a=@,.;", "info": "user_count"}
    assert get(server, "channels", **wanted)[1] == {"channels": {"presence-a=@,.;": {"user_count": 1}}}
    assert get(server, "channels", filter_by_prefix="a+b c%20d&e")[0] == 200
