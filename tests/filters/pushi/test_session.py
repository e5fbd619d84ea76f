"""What one connection sends: what it may send, and how much of it."""

import pytest

from tests.filters.pushi.clients import Client, said, serving


def test_one_answer_holds_no_more_than_a_server_can_bear():
    with serving(pushi_max_event_size="1M") as server:
        client = Client(server)
        client.subscribe("room")
        for number in range(6):
            client.say("room", f"{number}" * 1_000_000, persist=True)
        assert [said(event)[0] for event in client.ask("latest", "room")["events"]] == ["5", "4", "3", "2"]
        assert [said(event)[0] for event in client.ask("latest", "room", skip=4)["events"]] == ["1", "0"]


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
        assert server.server.counters.totals["refused", "pushi_event_rate"] == 1
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
