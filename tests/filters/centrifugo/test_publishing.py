import json

import pytest

from filtered_websocket.filters.centrifugo.codes import Error
from filtered_websocket.filters.centrifugo.namespaces import ChannelOptions
from filtered_websocket.filters.centrifugo.publishing import judge
from tests.filters.centrifugo.clients import connected, serving

RAW = '{"a" : 1.0,"b":12345678901234567890123 , "a":"\\u00e9"}'


def test_data_is_passed_on_as_it_was_written():
    with serving() as server:
        client = connected(server)
        client.subscribe("open:a")
        client.wire.send('{"id":5,"publish":{"channel":"open:a","data": ' + RAW + " }}")
        text = next(each for each in client.wire.received() if "pub" in each)
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
