import pytest

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.centrifugo.messages import Command, SubscribeRequest
from filtered_websocket.filters.centrifugo.protobuf_codec import ProtobufCodec, write
from filtered_websocket.messages.publication import Position
from tests.filters.centrifugo.clients import PATH, connected, serving
from tests.filters.centrifugo.requests import call, with_api
from tests.support.late_storage import LateStorage


def published(client, channel, count, first=0):
    for number in range(first, first + count):
        client.publish(channel, number)


def data(result):
    return [each["data"] for each in result.get("publications", ())]


def test_a_channel_that_was_never_published_to_is_recoverable_from_its_epoch():
    with serving() as server:
        client, other = connected(server), connected(server)
        found = client.subscribe("kept:a")
        assert found.keys() == {"recoverable", "positioned", "epoch"}
        client.ask("unsubscribe", channel="kept:a")
        published(other, "kept:a", 3)
        back = client.subscribe("kept:a", recover=True, epoch=found["epoch"])
        assert (back["recovered"], back["was_recovering"], data(back)) == (True, True, [0, 1, 2])
        assert "offset" not in back
        assert back["publications"][0]["epoch"] == found["epoch"]


@pytest.mark.parametrize(
    ("asked", "recovered", "found"),
    [
        ({"offset": 14}, True, []), ({"offset": 12}, True, [12, 13]), ({"offset": 4}, True, list(range(4, 14))),
        ({"offset": 3}, False, []), ({"offset": 15}, False, []), ({"offset": 14, "epoch": "_"}, False, []),
        ({"epoch": "_"}, False, []), ({"offset": 2**63}, False, []),
    ],
)  # fmt: skip
def test_recovered_is_what_nothing_is_missing_of(asked, recovered, found):
    with serving() as server:
        client = connected(server)
        published(client, "kept:a", 14)
        result = client.subscribe("kept:a", recover=True, **asked)
        assert result.get("recovered", False) == recovered
        assert result["was_recovering"]
        assert data(result) == found
        assert result["offset"] == (asked["offset"] if recovered else 14)
        client.publish("kept:a", "next")
        assert [each["pub"]["offset"] for each in client.pushed()] == [15]


def test_who_wants_all_or_nothing_gets_an_error_and_is_in_no_channel():
    with serving() as server:
        client = connected(server)
        published(client, "kept:a", 14)
        assert client.subscribe("kept:a", recover=True, epoch="_", flag=2) == 112
        assert client.session.subscriptions == {}
        client.publish("kept:a", "x")
        assert client.pushed() == []
        assert client.subscribe("kept:a", recover=True, offset=15, flag=3)["recovered"]


def test_where_nothing_is_kept_recover_is_ignored():
    with serving() as server:
        client = connected(server)
        assert client.subscribe("open:a", recover=True, epoch="x", offset=5, flag=2) == {"was_recovering": True}


def test_the_cache_is_the_newest():
    with serving() as server:
        client, other = connected(server), connected(server)
        assert client.subscribe("cache:a", recover=True).get("recovered", False) is False
        published(other, "cache:a", 3)
        client.ask("unsubscribe", channel="cache:a")
        client.pushed()
        found = client.subscribe("cache:a", recover=True, epoch="_", offset=7, flag=2)
        assert (found["recovered"], data(found)) == (True, [2])
        client.ask("unsubscribe", channel="cache:a")
        same = client.subscribe("cache:a", recover=True, epoch=found["epoch"], offset=3)
        assert (same["recovered"], data(same)) == (True, [])
        third = connected(server)
        assert data(third.subscribe("cache:a")) == []


def test_an_empty_cache_is_no_error_to_who_wants_all_or_nothing():
    with serving() as server:
        found = connected(server).subscribe("cache:a", recover=True, flag=2)
        assert "recovered" not in found
        assert found["was_recovering"]


def test_a_gap_ends_a_subscription_so_that_it_is_begun_anew():
    with serving() as server:
        client, server_side = connected(server), connected(server, "u", channels=["kept:a"])
        client.subscribe("kept:a")
        server.server.gap("kept:a", Position("e", 5))
        end = {"code": 2500, "reason": "insufficient state"}
        assert client.pushed() == [{"channel": "kept:a", "unsubscribe": end}]
        assert client.session.subscriptions == {}
        assert server_side.closed == (3010, "insufficient state")


def test_what_was_missed_and_is_no_json_ends_a_client_of_json_and_no_other():
    with serving() as server:
        client = connected(server)
        server.result(server.pipeline().storage_object.send(*_bytes_for("kept:a", server.pipeline())))
        client.subscribe("kept:a", recover=True)
        assert client.closed == (3506, "inappropriate protocol")
        wire = server.connect(f"{PATH}?format=protobuf")
        codec = ProtobufCodec()
        wire.send(b'\x04\x08\x01"\x00')
        command = write(Command(2, subscribe=SubscribeRequest("kept:a", recover=True)))
        wire.send(bytes([len(command)]) + command)
        assert b"\xff\xfe" in wire.received()[-1]
        assert codec.binary


def _bytes_for(channel, pipeline):
    from filtered_websocket.filters.centrifugo.envelope import Envelope, pack
    from filtered_websocket.messages.publication import Publication

    return Publication(channel, (pack(Envelope(b"\xff\xfe", is_json=False)),)), pipeline.keep(10, 300)


@pytest.mark.parametrize("away", [False, True])
def test_behind_its_answer_a_client_gets_no_second_one_but_is_told_to_come_again(away):
    storage = LateStorage()
    with with_api(storage_object=storage) as server:
        client, other = connected(server, "u"), connected(server, "other")
        client.say({"id": 2, "subscribe": {"channel": "joins:a"}})
        storage.answers.pop().callback(None)
        server.settle()
        # What it hears of others by is not yet confirmed.
        assert [each["id"] for each in client.hear()] == [2]
        assert storage.calls[-1].endswith("joins:a")
        if not away:
            call(server, "unsubscribe", user="u", channel="joins:a")
        # As storage says, too, of what was left before it was confirmed.
        storage.answers.pop().errback(StorageAway("away"))
        server.settle()
        code = 2500 if away else 2000
        assert [each["push"]["unsubscribe"]["code"] for each in client.hear()] == [code]
        assert client.session.subscriptions == {}
        assert client.ask("unsubscribe", channel="joins:a") == {}
        assert other.hear() == []
