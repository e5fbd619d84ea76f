import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filtered_websocket.filters.centrifugo.json_reader import embedded, read
from filtered_websocket.filters.centrifugo.json_writer import write
from filtered_websocket.filters.centrifugo.messages import (
    Command,
    ConnectRequest,
    FilterNode,
    PublishRequest,
    SubscribeRequest,
)
from filtered_websocket.filters.centrifugo.wire import Malformed
from tests.filters.centrifugo import strategies

DATA = b'{ "b" : 1.0, "a":12345678901234567890123, "a":"\\u00e9\\ud800", "c":[1e2, null] }'


def refused(data, message=Command):
    with pytest.raises(Malformed) as malformed:
        read(message, data)
    assert malformed.value.code == 3501
    return True


def test_embedded_json_is_kept_as_it_was_written():
    command = read(Command, b'{"publish":{"data":' + DATA + b',"channel":"a"},"id":7}')
    assert command == Command(id=7, publish=PublishRequest("a", DATA))


def test_keys_come_in_any_order_unknown_ones_are_ignored_and_null_is_absent():
    data = b' {"x":{"id":[1,{}]}, "subscribe" : {"token":null,"flag":1,"channel":"a","recover":true} , "id": 2 } '
    assert read(Command, data) == Command(id=2, subscribe=SubscribeRequest("a", recover=True, flag=1))
    assert read(Command, b'{"connect":null}') == Command()
    assert read(Command, b'{"connect":{}}') == Command(connect=ConnectRequest())


def test_of_a_key_that_comes_twice_the_last_counts():
    assert read(Command, b'{"id":1,"id":2}').id == 2
    assert read(Command, b'{"id":1,"id":null}').id == 0


def test_messages_lie_in_messages_in_maps_and_in_lists():
    data = (
        b'{"op":"and","nodes":[{"key":"a","cmp":"in","vals":["x","y"]},{"op":"not","nodes":[{"key":"b"}]}]}',
        b'{"subs":{"a":{"recover":true},"b":{}},"headers":{"x":"y"}}',
    )
    node = read(FilterNode, data[0])
    assert [each.op for each in node.nodes] == ["", "not"]
    assert node.nodes[0].vals == ("x", "y")
    connect = read(ConnectRequest, data[1])
    assert connect.subs == {"a": SubscribeRequest(recover=True), "b": SubscribeRequest()}
    assert connect.headers == {"x": "y"}


def test_a_lone_surrogate_becomes_what_go_makes_of_it():
    assert read(PublishRequest, b'{"channel":"a\\ud800b"}').channel == "a\ufffdb"
    headers = read(ConnectRequest, b'{"headers":{"a\\udfff":"\\ud83d\\ude00\\ud83d"}}').headers
    assert headers == {"a\ufffd": "\N{GRINNING FACE}\ufffd"}
    assert read(PublishRequest, b'{"channel":"\\ud83d\\ude00"}').channel == "\U0001f600"


@pytest.mark.parametrize(
    "data",
    [
        b"", b" ", b"[]", b"1", b'"a"', b"null", b"{", b"}", b"{}{}", b"{} x", b'{"id":1,}', b'{"id" 1}', b'{id:1}',
        b'{"id":"2"}', b'{"id":2.0}', b'{"id":2e0}', b'{"id":-1}', b'{"id":4294967296}', b'{"id":01}', b'{"id":true}',
        b'{"id":1 2}', b'{"publish":[]}', b'{"publish":{"channel":5}}', b'{"publish":{"data":}}', b'{"publish":"x"}',
        b'{"publish":{"data":NaN}}', b'{"publish":{"data":{"a":1,}}}', b'{"publish":{"data":[1 2]}}',
        b'{"subscribe":{"recover":1}}', b'{"subscribe":{"recover":"true"}}', b'{"subscribe":{"tf":{"vals":"a"}}}',
        b'{"subscribe":{"tf":{"vals":["a" "b"]}}}', b'{"connect":{"subs":[]}}', b'{"connect":{"headers":{"a":1}}}',
        b'{"publish":{"channel":"a\nb"}}', b'{"publish":{"channel":"\xff"}}', b'\xff', b'{"a":', b'{"a":"',
        '{"id":1}'.encode("utf-16"), b'{"subscribe":{"offset":-1}}', b'\xef\xbb\xbf{"id":1}', b'{"id":1}\0',
        b'{"publish":{"data":' + b"[" * 100_000, b'{"subscribe":{"tf":' + b'{"nodes":[' * 100_000,
    ],
    ids=lambda data: repr(data[:30]),
)  # fmt: skip
def test_what_is_no_command_is_refused(data):
    assert refused(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_or_refused(data):
    try:
        assert isinstance(read(Command, data), Command)
    except Malformed:
        return
    assert isinstance(json.loads(data), dict)


@given(strategies.VALUES, st.sampled_from(["", "subscribe", "connect", "publish", "history", "rpc"]))
def test_any_json_value_is_a_command_or_refused(value, within):
    data = json.dumps({within: value} if within else value).encode()
    try:
        read(Command, data)
    except Malformed:
        pass


@given(strategies.of(Command))
def test_what_is_written_is_read(command):
    assert read(Command, write(command)) == command


@given(strategies.JSON, st.sampled_from([b"", b" ", b"\n", b"\r\n\t"]))
def test_json_that_is_embedded_has_no_newlines_between_its_values(data, blanks):
    spread = json.dumps(json.loads(data), indent=1).encode()
    found = embedded(blanks + spread + blanks)
    assert found is not None
    assert b"\n" not in found
    assert json.loads(found) == json.loads(data)


@pytest.mark.parametrize("data", [b"", b"{", b"1 2", b"\xff", b"nul", b'"\n"', b"[" * 100_000])
def test_what_is_no_json_cannot_be_embedded(data):
    assert embedded(data) is None
