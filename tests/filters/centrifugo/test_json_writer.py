import json

from hypothesis import given, settings

from filtered_websocket.filters.centrifugo.json_writer import write
from filtered_websocket.filters.centrifugo.messages import (
    ClientInfo,
    ErrorResult,
    HistoryResult,
    PresenceResult,
    PresenceStatsResult,
    Publication,
    Push,
    Reply,
    SubscribeResult,
    UnsubscribeResult,
)
from tests.filters.centrifugo import strategies


def test_what_is_zero_is_left_out_but_what_the_original_writes_always():
    assert write(Reply(id=1, subscribe=SubscribeResult())) == b'{"id":1,"subscribe":{}}'
    assert write(Reply(id=1, unsubscribe=UnsubscribeResult())) == b'{"id":1,"unsubscribe":{}}'
    assert write(Reply()) == b"{}"
    assert write(ClientInfo()) == b'{"user":"","client":""}'
    assert write(PresenceStatsResult()) == b'{"num_clients":0,"num_users":0}'
    assert write(PresenceResult()) == b'{"presence":{}}'
    assert write(HistoryResult()) == b'{"publications":[],"epoch":"","offset":0}'
    assert write(ErrorResult(100, "no", True)) == b'{"code":100,"message":"no","temporary":true}'


def test_bytes_are_embedded_and_texts_quoted():
    pub = Publication(b'{"a": 1.0}', ClientInfo("u\n", "c", b"[1]"), 7, {"k": 'v"'})
    assert write(Push("news", pub=pub)) == (
        b'{"channel":"news","pub":{"data":{"a": 1.0},"info":{"user":"u\\n","client":"c","conn_info":[1]},'
        b'"offset":7,"tags":{"k":"v\\""}}}'
    )


@settings(max_examples=30)
@given(strategies.of(Reply))
def test_any_reply_is_one_line_of_json(reply):
    line = write(reply)
    assert b"\n" not in line
    assert isinstance(json.loads(line), dict)
