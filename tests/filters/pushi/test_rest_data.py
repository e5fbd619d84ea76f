"""What apps keep, by HTTP: events and sockets."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.filters.pushi.clients import OTHER, Client, Http, error_of, said, serving

# Events.


def test_an_event_reaches_everybody_in_the_channel_with_what_was_added_to_it(server, http):
    clients = [Client(server) for _ in range(2)]
    for client in clients:
        client.subscribe("global")
    assert http.post("/events", {"data": {"x": 1}, "persist": False, "url": "https://a"}) == {"result": "success"}
    for client in clients:
        assert client.packets() == [{"url": "https://a", "channel": "global", "event": "message", "data": '{"x":1}'}]


def test_of_several_channels_a_socket_gets_one_copy_and_a_user_one_association(server, http):
    both, one = Client(server), Client(server)
    for name in ("a", "b"):
        both.subscribe(name)
        http.post("/subscriptions", {"user_id": "u", "event": name})
    one.subscribe("b")
    http.trigger(["a", "b"], "x")
    assert [channel for channel, _, _ in both.events()] == ["a"]
    assert [channel for channel, _, _ in one.events()] == ["b"]
    assert len(both.subscribe("personal-u")["events"]) == 1
    assert [event["channel"] for event in http.get("/events")["events"]] == ["b", "a"]


def test_the_apps_events_come_newest_first_and_numbered(http):
    for number in range(12):
        http.trigger("room", str(number))
    events = http.get("/events")["events"]
    assert [said(event) for event in events] == [str(number) for number in range(11, 1, -1)]
    assert [event["id"] for event in events] == list(range(12, 2, -1))
    assert len(http.get("/events?count=2")["events"]) == 2
    assert error_of(*http.ask("GET", "/events?count=x")) == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": ""},
        {"data": None},
        {"data": "x", "event": ""},
        {"data": "x", "event": 1},
        {"data": "x", "channel": ""},
        {"data": "x", "channel": []},
        {"data": "x", "channel": [1]},
        {"data": "x", "channel": "x" * 181},
        b'{"data":1e999}',
        b'{"data":"x","y":1e999}',
        b'{"data":NaN}',
        b"[" * 10000,
        b'["data"]',
    ],
)
def test_what_is_no_event_is_refused(http, body):
    assert error_of(*http.ask("POST", "/events", body)) == 400
    assert http.get("/events")["events"] == []


@given(st.binary(max_size=100) | st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()))
@settings(max_examples=50, deadline=None)
def test_any_body_has_a_defined_answer(body):
    with serving() as server:
        http = Http(server)
        for path in ("/events", "/subscriptions", "/webs", "/apps", "/login"):
            assert http.ask("POST", path, body)[0] in (400, 403)


# Sockets, health, and the rest.


def test_sockets_are_listed_with_their_channels(server, http):
    client = Client(server)
    for name in ("a", "presence-b"):
        client.subscribe(name)
    listed = [{"socket_id": client.id, "channel": name} for name in ("a", "presence-b")]
    assert http.get("/sockets")["sockets"] == listed
    assert http.post(f"/sockets/{client.id}", {}) == {"channels": ["a", "presence-b"]}
    assert http.post("/sockets/nobody", {}) == {"channels": []}
    client.client.abort()
    assert http.get("/sockets")["sockets"] == []


def test_events_of_a_request_have_a_size_and_what_else_is_passed_on_has_one_too(http):
    for body in ({"data": "x" * 65537}, {"data": ["x" * 65536]}, {"data": "x", "more": "x" * 65537}):
        assert error_of(*http.ask("POST", "/events", body)) == 413
    assert http.get("/events")["events"] == []
    http.post("/events", {"data": "\u00e9" * 32768})
    assert len(http.get("/events")["events"]) == 1


def test_what_an_app_keeps_is_bounded_whatever_channels_clients_invent():
    """The kind: a quota for each name, where the client chooses the names. Another app keeps what it has."""
    with serving(history_bytes=100_000, pushi_event_rate=0) as server:
        kept = Client(server, OTHER["key"], OTHER["secret"])
        kept.subscribe("room")
        kept.say("room", "kept", persist=True)
        client = Client(server)
        for number in range(50):
            client.subscribe(f"room {number}")
            client.say(f"room {number}", "x" * 10_000, persist=True)
            client.ask("unsubscribe", f"room {number}")
        stored = server.storage_object
        sizes = [
            len(each.payload) for n in range(50) for each in server.result(stored.latest(f"app1/log:room {n}", 0, 9))
        ]
        sizes += [len(each.payload) for each in server.result(stored.latest("app1/events", 0, 99))]
        assert 50_000 < sum(sizes) <= 100_000
        assert [said(event) for event in kept.ask("latest", "room")["events"]] == ["kept"]
        assert server.server.counters.totals["dropped", "kept publications over history_bytes"] > 50


def test_logins_are_not_lost_to_events():
    with serving(history_channels=5, pushi_event_rate=0) as server:
        http, client = Http(server), Client(server)
        for number in range(20):
            client.subscribe(f"room {number}")
            client.say(f"room {number}", "x", persist=True)
        assert http.get("/apps")["apps"][0]["ident"] == "app1"
