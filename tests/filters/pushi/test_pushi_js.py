"""What pushi-js reads of the server's packets, by its documented behaviour: it is in no registry."""

import json

import pytest

from tests.filters.pushi.clients import Client, Http, serving


class PushiJs(Client):
    """Sends as pushi-js does, echo and persist with every packet, and reads each packet as it does."""

    def send(self, event, data=None, channel=None, **more):
        super().send(event, data, channel, **({"echo": False, "persist": True} | more))

    def packets(self):
        packets = super().packets()
        for packet in packets:
            if packet["event"] == "pusher:connection_established":
                continue
            # It fails on a packet that has no channel, and on a subscription or a member that is no JSON.
            assert isinstance(packet["channel"], str)
            assert isinstance(packet["data"], str)
            if packet["event"].startswith("pusher_internal:"):
                assert isinstance(json.loads(packet["data"]), dict)
            if packet["event"].startswith("pusher:member_"):
                assert isinstance(json.loads(packet["member"])["user_id"], str)
        return packets


@pytest.fixture
def server():
    with serving() as server:
        yield server


def test_channels_of_each_kind_are_joined_spoken_in_and_left(server):
    a, b = PushiJs(server), PushiJs(server)
    for name in ("room", "private-room", "presence-room"):
        for client, user in ((a, "a"), (b, "b")):
            # What its auth endpoint answered it passes on as it is: an object.
            channel_data = {"user_id": user, "peer": True} if name.startswith("presence-") else None
            assert client.subscribe(name, channel_data)["name"] == name
        a.packets()
        a.send("message", {"n": 1}, name)
        (message,) = b.packets()
        assert (message["channel"], json.loads(message["data"])) == (name, {"n": 1})
        assert message["mid"]
        assert a.ask("latest", name, skip=0, count=10)["events"][0]["data"]["data"] == '{"n":1}'
    a.send("message", "psst", "peer-room:a&b")
    assert b.events() == [("peer-room:a&b", "message", "psst")]
    assert b.ask("unsubscribe", "presence-room")["event"] == "unsubscription_succeeded"
    assert [packet["event"] for packet in a.packets()] == ["pusher:member_removed"]


def test_it_leaves_a_personal_channel_without_being_told_of_aliases(server):
    http, client = Http(server), PushiJs(server)
    http.post("/subscriptions", {"user_id": "u", "event": "news"})
    assert client.subscribe("personal-u")["alias"] == ["news"]
    # It would call a function that does not exist for each of them.
    assert client.ask("unsubscribe", "personal-u")["alias"] == []
