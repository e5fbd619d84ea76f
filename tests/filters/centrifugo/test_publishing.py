import json

import pytest
from twisted.internet.defer import Deferred

from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.centrifugo.codes import Error
from filtered_websocket.filters.centrifugo.events import CentrifugoPublishFilter
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions
from filtered_websocket.filters.centrifugo.publishing import MOST_PUBLISHING, SMALL, judge
from filtered_websocket.storage_objects.memory import StorageObject
from tests.filters.centrifugo.clients import connected, serving

RAW = '{"a" : 1.0,"b":12345678901234567890123 , "a":"\\u00e9"}'


def test_data_is_passed_on_as_it_was_written():
    with serving() as server:
        client = connected(server)
        client.subscribe("open:a")
        client.wire.send('{"id":5,"publish":{"channel":"open:a","data": ' + RAW + " }}")
        text = next(each for each in client.wire.received() if '"pub"' in each)
        assert f'"data":{RAW},' in text


@pytest.mark.parametrize(
    ("channel", "data", "code"), [("nope:a", 1, 102), ("open:é", 1, 107), ("closed:a", 1, 103), ("open:a", ..., 107)]
)
def test_what_may_not_be_published(channel, data, code):
    with serving() as server:
        client = connected(server)
        said = {} if data is ... else {"data": data}
        assert client.ask("publish", channel=channel, **said) == code


def test_subscribers_may_publish_where_only_they_may():
    options = {"allow_subscribe_for_client": True, "allow_publish_for_subscriber": True}
    with serving(centrifugo_without_namespace=options) as server:
        client = connected(server, "u")
        assert client.publish("a", 1) == 103
        client.subscribe("a")
        assert client.publish("a", 1) == {}


@pytest.mark.parametrize("data", [None, 0, "", False, [], {}])
def test_any_json_value_is_data(data):
    with serving() as server:
        client = connected(server)
        client.subscribe("open:a")
        client.wire.send(json.dumps({"id": 5, "publish": {"channel": "open:a", "data": data}}))
        assert client.data() == [data]


@pytest.mark.parametrize(
    ("wanted", "data", "answer"),
    [
        ("", b"", 107), ("", b"\xff", False), ("", b"1", True), ("json", b"\xff", 107), ("json", b"1", True),
        ("json_object", b"1", 107), ("json_object", b" {}", True), ("binary", b"", False), ("binary", b"\xff", False),
    ],
)  # fmt: skip
def test_a_namespace_may_want_data_of_a_kind(wanted, data, answer):
    options = ChannelOptions(publication_data_format=wanted)
    if answer == 107 and answer is not True:
        with pytest.raises(Error) as error:
            judge(data, options)
        assert error.value.code == 107
    else:
        assert judge(data, options) == answer


class Far(StorageObject):
    """What is published is sent when the test says so."""

    def __init__(self):
        super().__init__()
        self.sends = []

    def send(self, *about):
        held = Deferred()
        self.sends.append(held)
        return held.addCallback(lambda _: super(Far, self).send(*about))

    def confirm(self, count=1000):
        for _ in range(min(count, len(self.sends))):
            self.sends.pop(0).callback(None)


def publishing(count):
    return [{"id": at, "publish": {"channel": "kept:a", "data": at}} for at in range(1, count + 1)]


def test_publications_that_storage_has_yet_to_confirm_do_not_hold_up_the_next_commands():
    with serving(storage_object=Far()) as server:
        client = connected(server)
        client.subscribe("kept:a")
        client.say(*publishing(3), {"id": 9, "unsubscribe": {"channel": "kept:b"}})
        assert len(server.storage_object.sends) == 3
        assert client.hear() == [{"id": 9, "unsubscribe": {}}]
        server.storage_object.confirm()
        heard = client.hear()
        assert [each["id"] for each in heard if "id" in each] == [1, 2, 3]
        assert [each["push"]["pub"]["data"] for each in heard if "push" in each] == [1, 2, 3]


def test_only_so_many_are_on_their_way_at_a_time():
    with serving(storage_object=Far()) as server:
        client, storage = connected(server), server.storage_object
        client.say(*publishing(MOST_PUBLISHING + 5))
        assert len(storage.sends) == MOST_PUBLISHING + 1
        storage.confirm(MOST_PUBLISHING)
        assert len(storage.sends) == 1
        storage.confirm(1)
        assert len(storage.sends) == 4
        storage.confirm()
        assert len(client.hear()) == MOST_PUBLISHING + 5


def test_of_large_ones_one_is_on_its_way_at_a_time():
    with serving(storage_object=Far()) as server:
        client, storage = connected(server), server.storage_object
        client.say(*[{"id": at, "publish": {"channel": "kept:a", "data": "x" * SMALL}} for at in (1, 2, 3)])
        assert len(storage.sends) == 1
        for _ in range(3):
            storage.confirm()
        assert [each["id"] for each in client.hear()] == [1, 2, 3]


def test_one_that_could_not_be_published_is_told_and_the_others_are_not_touched():
    with serving(storage_object=Far()) as server:
        client, storage = connected(server), server.storage_object
        client.say(*publishing(2))
        storage.sends.pop(0).errback(StorageAway("no"))
        storage.confirm()
        first, second = client.hear()
        assert (first["id"], first["error"]["code"]) == (1, 100)
        assert second == {"id": 2, "publish": {}}


def test_one_that_goes_away_meanwhile_has_published():
    with serving(storage_object=Far()) as server:
        client, other = connected(server), connected(server)
        other.subscribe("kept:a")
        client.say(*publishing(2))
        client.wire.close()
        server.storage_object.confirm()
        assert other.data() == [1, 2]


def test_a_filter_of_publications_decides_about_one_after_the_other():
    class Decides(CentrifugoPublishFilter):
        @classmethod
        async def filter(cls, client, event):
            pass

    with serving(Decides, storage_object=Far()) as server:
        client = connected(server)
        client.say(*publishing(3))
        assert len(server.storage_object.sends) == 1
        server.storage_object.confirm(1)
        assert len(server.storage_object.sends) == 1
