"""Events: which clients may send them, what is stored of them, and how many there may be."""

import json
from uuid import UUID

import pytest

from tests.filters.pushi.clients import APP, Client, said, serving


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
