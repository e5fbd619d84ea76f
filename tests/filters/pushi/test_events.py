"""Events: which clients may send them, what is stored of them, and how many there may be."""

import json
from uuid import UUID

import pytest

from tests.filters.pushi.clients import APP, Client, said, serving

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
def test_nobody_says_anything_in_a_channel_it_is_not_in(server, name):
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
