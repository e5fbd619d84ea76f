import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.filters.pusher.clients import EVENT, Client, get, post, serving


def test_a_batch_is_published_in_its_order_or_not_at_all(server):
    client = Client(server)
    client.subscribe("room")
    batch = [EVENT | {"data": str(number)} for number in range(10)]
    assert post(server, "batch_events", {"batch": batch}) == (200, {})
    assert [data for _, data in client.events()] == [str(number) for number in range(10)]
    assert post(server, "batch_events", {"batch": [EVENT, EVENT | {"channel": "a b"}]})[0] == 400
    assert post(server, "batch_events", {"batch": [EVENT] * 11})[0] == 400
    assert client.packets() == []


def test_counts_can_be_asked_for_with_an_event(server):
    Client(server).subscribe("presence-a", "1")
    info = {"channels": ["presence-a"], "info": "user_count,subscription_count"}
    assert post(server, "events", EVENT | info) == (
        200, {"channels": {"presence-a": {"user_count": 1, "subscription_count": 1}}}
    )  # fmt: skip


def test_channels_are_those_that_somebody_is_in(server):
    a, b = Client(server), Client(server)
    for client, user in ((a, "1"), (b, "2")):
        client.subscribe("presence-a", user)
    a.subscribe("room")
    assert get(server, "channels") == (200, {"channels": {"presence-a": {}, "room": {}}})
    wanted = {"filter_by_prefix": "presence-", "info": "user_count"}
    assert get(server, "channels", **wanted) == (200, {"channels": {"presence-a": {"user_count": 2}}})
    assert get(server, "channels", info="user_count")[0] == 400
    a.client.close()
    b.client.abort()
    assert get(server, "channels") == (200, {"channels": {}})


def test_a_channel_tells_whether_it_is_occupied(server):
    Client(server).subscribe("presence-a", "1")
    info = "user_count,subscription_count"
    told = {"occupied": True, "user_count": 1, "subscription_count": 1}
    assert get(server, "channels/presence-a", info=info) == (200, told)
    assert get(server, "channels/presence-b", info=info) == (200, {"occupied": False})
    assert get(server, "channels/room", info="user_count")[0] == 400
    assert get(server, "channels/a b")[0] == 400


def test_users_are_those_of_presence_channels(server):
    for user in ("1", "2", "2"):
        Client(server).subscribe("presence-a", user)
    assert get(server, "channels/presence-a/users") == (200, {"users": [{"id": "1"}, {"id": "2"}]})
    assert get(server, "channels/room/users")[0] == 400


def test_the_last_event_of_a_cache_channel_can_be_asked_for(server):
    Client(server).subscribe("cache-a")
    post(server, "events", EVENT | {"channel": "cache-a", "data": "kept"})
    told = {"occupied": True, "cache": {"data": "kept"}}
    assert get(server, "channels/cache-a", info="cache") == (200, told)


def test_a_user_that_has_signed_in_is_terminated_and_nobody_else(server):
    a, b, c = Client(server), Client(server), Client(server)
    a.sign_in("7")
    b.sign_in("8")
    assert post(server, "users/7/terminate_connections", {}) == (200, {})
    assert a.client.close_code == 4009
    assert b.client.is_open
    assert c.client.is_open


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()))
@settings(max_examples=60, deadline=None)
def test_any_signed_body_has_a_defined_answer(body):
    with serving() as server:
        assert post(server, "events", body)[0] in (400, 413)
