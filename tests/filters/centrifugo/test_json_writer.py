import json

import pytest
from hypothesis import given, settings

from filtered_websocket.filters.centrifugo.codes import Disconnect
from filtered_websocket.filters.centrifugo.json_writer import write
from filtered_websocket.filters.centrifugo.messages import (
    ClientInfo,
    ConnectResult,
    ErrorResult,
    HistoryResult,
    Message,
    PresenceResult,
    PresenceStatsResult,
    Publication,
    Push,
    Reply,
    RPCResult,
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


def test_what_would_end_a_line_or_an_event_is_left_out_between_values():
    assert write(Publication(b'{"a":\r\n1}')) == b'{"data":{"a":1}}'
    assert write(ClientInfo(conn_info=b"[\n]\n")) == b'{"user":"","client":"","conn_info":[]}'


def test_bytes_that_are_no_json_are_null_where_others_see_them_and_end_a_client_that_they_are_for():
    assert write(ClientInfo(conn_info=b"\xff", chan_info=b"no")) == (
        b'{"user":"","client":"","conn_info":null,"chan_info":null}'
    )
    for large in (b"n" * 2000, b'"' + b"n" * 2000 + b'"'):
        said = large if large[:1] == b'"' else b"null"
        assert write(ClientInfo(conn_info=large)) == b'{"user":"","client":"","conn_info":%b}' % said
    for own in (SubscribeResult(data=b"no"), ConnectResult(data=b"{}{}"), RPCResult(b"\xff"), Message(b"no")):
        with pytest.raises(Disconnect) as ended:
            write(own)
        assert ended.value.code == 3506


@settings(max_examples=30)
@given(strategies.of(Reply))
def test_any_reply_is_one_line_of_json(reply):
    line = write(reply)
    assert b"\n" not in line
    assert isinstance(json.loads(line), dict)
