import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filtered_websocket.filters.centrifugo import json_usual
from filtered_websocket.filters.centrifugo.json_reader import read
from filtered_websocket.filters.centrifugo.json_usual import SHORT, usual, usual_frame
from filtered_websocket.filters.centrifugo.json_writer import write
from filtered_websocket.filters.centrifugo.messages import (
    Command,
    ConnectRequest,
    HistoryRequest,
    PublishRequest,
    SubscribeRequest,
)
from filtered_websocket.filters.centrifugo.wire import Malformed, asked
from tests.filters.centrifugo import strategies

SDKS = {
    b'{"id":1,"connect":{}}': Command(1, connect=ConnectRequest()),
    b'{"connect":{"token":"t","name":"js"},"id":1}': Command(1, connect=ConnectRequest("t", name="js")),
    b'{"id": 2, "subscribe": {"channel": "a", "recover": true, "epoch": "e", "offset": 7, "flag": 1}}': Command(
        2, subscribe=SubscribeRequest("a", recover=True, epoch="e", offset=7, flag=1)
    ),
    b'{"history":{"channel":"a","limit":-1},"id":4294967295}': Command(2**32 - 1, history=HistoryRequest("a", -1)),
    b'{"publish":{"channel":"a","data":{"n": 1.0}},"id":3}': Command(3, publish=PublishRequest("a", b'{"n": 1.0}')),
    '{"id": 3, "publish": {"channel": "ä", "data": "\\u00e4"}}'.encode(): Command(
        3, publish=PublishRequest("ä", b'"\\u00e4"')
    ),
}


@pytest.mark.parametrize("line", SDKS)
def test_what_sdks_write_is_read_here(line):
    assert usual(line) == asked(SDKS[line]) == asked(read(Command, line))


def test_what_many_say_in_one_frame_is_remembered_as_a_whole():
    connect, subscribe = b'{"id":1,"connect":{}}', b'{"id":2,"subscribe":{"channel":"a"}}'
    frame = b"\n".join((connect, subscribe))
    found = usual_frame(frame)
    assert found == (usual(connect), usual(subscribe))
    assert usual_frame(bytearray(frame)) is found
    for other in (
        connect + b"\nx",
        connect + b'\n{"id":2,"publish":{"channel":"a","data":1}}',
        b'{"id":1,"connect":{"token":"t"}}\n' + subscribe,
        frame + b"\xff",
        frame + b" " * SHORT,
    ):
        assert usual_frame(other) is None


@pytest.mark.parametrize(
    "line",
    [
        b'{"id":1}',
        b"{}",
        b"[]",
        b"",
        b"\xff",
        b'{"id":0,"connect":{}}',
        b'{"id":4294967296,"connect":{}}',
        b'{"id":1.0,"connect":{}}',
        b'{"id":true,"connect":{}}',
        b'{"id":1,"connect":[]}',
        b'{"id":1,"connect":{}} ',
        b'{"id":1,"connect":{}}{}',
        b'{"id":1,"id":1}',
        b'{"id":1,"connect":{"token":null}}',
        b'{"id":1,"connect":{"token":1,"token":"t"}}',
        b'{"id":1,"connect":{"more":1}}',
        b'{"id":1,"subscribe":{"channel":"\\ud800"}}',
        b'{"id":1,"subscribe":{"channel":"a","offset":-1}}',
        b'{"id":1,"subscribe":{"channel":"a","recover":1}}',
        b'{"id":1,"history":{"channel":"a","since":{"offset":1}}}',
        b'{"id":1,"subscribe":{}}',
        b'{"id":1,"subscribe":{"channel":""}}',
        b'{"id":1,"publish":{"channel":"a","data":1},"id":2}',
        b'{"publish":{"channel":"a","data":1}}',
        b'{"id":1,"publish":{"channel":"a","data":}}',
        b'{"id":1,"publish":{"channel":"a","data":NaN}}',
        b'{"id":1,"publish":{"channel":"a\\n","data":1}}',
        b'{"id":1,"rpc":{"data":1}}',
        b"[" * 5000,
        b'{"id":1,"connect":' + b'{"a":' * 5000,
        b'{"id":1,"subscribe":{"channel":"a","offset":' + b"9" * 5000 + b"}}",
    ],
)
def test_what_is_not_usual_is_left_to_the_other_reader(line):
    assert usual(line) is None


@pytest.mark.parametrize(
    "line",
    [
        b'{"id":1,"connect":{"token":"secret"}}',
        b'{"id":1,"connect":{"tok\\u0065n":"secret"}}',
        b'{"id":1,"connect":{"data":{"password":"secret"}}}',
        b'{"id":1,"connect":{"headers":{"Authorization":"secret"}}}',
        b'{"id":1,"rpc":{"method":"log_in","data":"secret"}}',
        b'{"connect":{"token": secret',
    ],
)
def test_what_one_client_alone_says_is_not_remembered_and_takes_nobody_elses_room(line):
    json_usual._remembered.cache_clear()
    usual(line)
    assert json_usual._remembered.cache_info().currsize == 0


@settings(max_examples=50)
@given(strategies.of(Command), st.integers(0, 80), st.binary(max_size=3))
@example(Command(1, publish=PublishRequest("a", b"1")), 0, b"")
def test_nothing_is_read_otherwise_than_by_the_other_reader(command, at, put):
    line = write(command)
    for each in (line, line[:at] + put + line[at:], line[:at] + put + line[at + 1 :]):
        found = usual(each)
        if found is not None:
            assert found == asked(read(Command, each))


def test_the_other_reader_tells_what_is_malformed():
    with pytest.raises(Malformed):
        read(Command, b'{"id":1.0,"connect":{}}')
