import base64

import pytest
from twisted.internet.defer import fail

from filtered_websocket.errors import StorageAway
from filtered_websocket.storage_objects.memory import StorageObject
from tests.filters.centrifugo.clients import connected
from tests.filters.centrifugo.requests import call, with_api


@pytest.mark.parametrize("data", [None, 0, "", False, [], {"a": [1]}])
def test_any_json_value_is_published_where_nothing_allows_it(data):
    with with_api() as server:
        client = connected(server, "u", channels=["closed:a"])
        assert call(server, "publish", channel="closed:a", data=data, tags={"k": "v"}) == {}
        assert client.pushed() == [{"channel": "closed:a", "pub": {"data": data, "tags": {"k": "v"}}}]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"data": 1}, 107), ({"channel": "open:a"}, 107), ({"channel": "nope:a", "data": 1}, 102),
        ({"channel": "open:a", "b64data": "?"}, 107),
    ],
)  # fmt: skip
def test_what_cannot_be_published(request_, code):
    with with_api() as server:
        assert call(server, "publish", **request_) == code


def test_a_publication_has_a_position_where_history_is_kept():
    with with_api() as server:
        first = call(server, "publish", channel="kept:a", data=1)
        assert (first["offset"], bool(first["epoch"])) == (1, True)
        assert call(server, "publish", channel="kept:a", data=2, skip_history=True) == {}
        found = call(server, "history", channel="kept:a", limit=-1)
        assert found == {"publications": [{"data": 1, "offset": 1}], "offset": 1, "epoch": first["epoch"]}


def test_base64_counts_more_and_may_be_no_json():
    with with_api() as server:
        client = connected(server)
        client.subscribe("open:a")
        call(server, "publish", channel="open:a", data=1, b64data=base64.b64encode(b'{"b":2}').decode())
        assert client.data() == [{"b": 2}]
        call(server, "publish", channel="open:a", b64data=base64.b64encode(b"\xff").decode())
        assert client.closed == (3506, "inappropriate protocol")


def test_a_broadcast_answers_for_each_channel():
    with with_api() as server:
        client = connected(server)
        client.subscribe("open:a")
        found = call(server, "broadcast", channels=["open:a", "nope:a", "kept:a", ""], data=1)["responses"]
        codes = [each["error"]["code"] if "error" in each else each["result"].get("offset", 0) for each in found]
        assert codes == [0, 102, 1, 107]
        assert client.data() == [1]
        assert call(server, "broadcast", channels=[], data=1) == 107


def test_presence_and_history_have_no_permissions_and_need_what_is_kept():
    with with_api() as server:
        client = connected(server, "u", info={"n": 1})
        client.subscribe("joins:a")
        info = {"user": "u", "client": client.session.id, "conn_info": {"n": 1}}
        assert call(server, "presence", channel="joins:a") == {"presence": {client.session.id: info}}
        assert call(server, "presence_stats", channel="joins:a") == {"num_clients": 1, "num_users": 1}
        for method, channel, code in [
            ("presence", "kept:a", 108), ("history", "open:a", 108), ("presence_stats", "nope:a", 102),
            ("history", "", 107),
        ]:  # fmt: skip
            assert call(server, method, channel=channel) == code


def test_history_of_the_server_has_no_limit_of_clients():
    with with_api(centrifugo_history_limit=2) as server:
        for number in range(5):
            call(server, "publish", channel="kept:a", data=number)
        assert len(call(server, "history", channel="kept:a", limit=-1)["publications"]) == 5
        newest = call(server, "history", channel="kept:a", limit=1, reverse=True)["publications"]
        assert [each["data"] for each in newest] == [4]
        assert call(server, "history", channel="kept:a", limit=1, since={"offset": 0}, reverse=True) == 107


def test_history_that_is_removed_is_given_to_nobody_and_offsets_go_on():
    with with_api() as server:
        client, other = connected(server), connected(server)
        found = other.subscribe("kept:a")
        for number in range(3):
            call(server, "publish", channel="kept:a", data=number)
        assert call(server, "history_remove", channel="kept:a") == {}
        assert call(server, "history", channel="kept:a", limit=-1)["publications"] == []
        asked = {"recover": True, "epoch": found["epoch"]}
        missed = client.subscribe("kept:a", offset=1, **asked)
        assert (missed.get("recovered", False), missed["offset"], missed.get("publications")) == (False, 3, None)
        client.ask("unsubscribe", channel="kept:a")
        assert client.subscribe("kept:a", offset=3, **asked)["recovered"]
        assert call(server, "publish", channel="kept:a", data=3)["offset"] == 4
        assert other.data() == [0, 1, 2, 3]
        for channel, code in (("", 107), ("nope:a", 102), ("open:a", 108)):
            assert call(server, "history_remove", channel=channel) == code


def test_channels_are_those_that_have_subscribers():
    with with_api() as server:
        a, b = connected(server), connected(server)
        for client, channel in ((a, "open:a"), (b, "open:a"), (a, "joins:b")):
            client.subscribe(channel)
        assert call(server, "channels") == {"channels": {"joins:b": {"num_clients": 1}, "open:a": {"num_clients": 2}}}
        assert call(server, "channels", pattern="{open,x}:*")["channels"].keys() == {"open:a"}
        assert call(server, "channels", pattern="{a,b}" * 10) == 107


def test_info_counts():
    with with_api() as server:
        connected(server, "u").subscribe("open:a")
        connected(server, "u").subscribe("open:a")
        (node,) = call(server, "info")["nodes"]
        assert (node["num_clients"], node["num_users"], node["num_channels"], node["num_subs"]) == (2, 1, 1, 2)


class Away(StorageObject):
    """Storage that takes nothing for one channel."""

    def send(self, publication, *more, **how):
        return fail(StorageAway()) if publication.channel == "open:away" else super().send(publication, *more, **how)


def test_a_broadcast_goes_on_behind_a_channel_that_storage_does_not_take():
    with with_api(storage_object=Away()) as server:
        found = call(server, "broadcast", channels=["open:away", "kept:a"], data=1)["responses"]
        assert found[0]["error"]["code"] == 100
        assert found[1]["result"]["offset"] == 1
