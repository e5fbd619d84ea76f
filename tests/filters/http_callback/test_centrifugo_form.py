"""The form of Centrifugo's proxies: examples of its documentation, and what it does not say."""

import json

import pytest

from filtered_websocket.filters.http_callback import centrifugo_form as centrifugo
from filtered_websocket.filters.http_callback.events import Broken
from tests.filters.http_callback.asking import connection


def ask(event, data=b"", binary=False, **values):
    return centrifugo.question(event, connection(**values), data, binary, "chat:index")


def read(event, answer, status=200, binary=False):
    return centrifugo.read(ask(event, b"1", binary), status, json.dumps(answer).encode())


def test_questions():
    assert json.loads(ask("handshake").body) == {
        "client": "c1", "transport": "websocket", "protocol": "json", "encoding": "json",
    }  # fmt: skip
    common = {"client": "c1", "transport": "websocket", "protocol": "json", "channel": "chat:index"}
    asked = ask("message", b'{"input":"hello"}')
    assert json.loads(asked.body) == common | {"encoding": "json", "user": "ann", "data": {"input": "hello"}}
    assert (asked.word, ask("handshake").word) == ("publish", "connect")
    for data, binary, encoded in ((b"no JSON", False, "bm8gSlNPTg=="), (b"1", True, "MQ==")):
        asked = json.loads(ask("message", data, binary, user=None).body)
        assert asked == common | {"encoding": "binary", "user": "", "b64data": encoded}


def test_json_stays_as_it_is_written():
    assert (
        b'"data":{ "n" : 1.0, "n" : 12345678901234567890 }}'
        in ask("message", b'{ "n" : 1.0, "n" : 12345678901234567890 }').body
    )


def test_a_client_of_centrifugo_s_examples_comes_in():
    answer = read("handshake", {"result": {"user": "56"}})
    assert (answer.status, answer.user) == (200, "56")
    answer = read(
        "handshake", {"result": {"user": "", "data": {"a": 1}, "channels": ["a"], "subs": {"a": {}, "b": {}}}}
    )
    assert (answer.user, answer.payload, answer.binary, answer.channels) == (None, b'{"a":1}', False, ("a", "b"))
    answer = read("handshake", {"result": {"user": "1", "b64data": "AAE=", "data": 5}})
    assert (answer.payload, answer.binary) == (b"\0\1", True)


def test_of_whom_nothing_is_said_does_not_come_in():
    for nothing in ({}, {"result": None}):
        assert read("handshake", nothing).status == 401
        assert read("message", nothing).status == 200


def test_what_is_published_may_be_changed():
    assert read("message", {"result": {}}).payload is None
    assert read("message", {"result": {"data": {"input": "bye"}}}).payload == b'{"input":"bye"}'
    assert read("message", {"result": {"data": "a text of JSON"}}).payload == b'"a text of JSON"'
    answer = read("message", {"result": {"b64data": "AAE="}}, binary=True)
    assert (answer.payload, answer.binary) == (b"\0\1", True)


@pytest.mark.parametrize(
    ("code", "status"), [(100, 500), (101, 401), (103, 403), (109, 401), (111, 429), (404, 404), (1000, 403)]
)
def test_errors_are_refusals(code, status):
    answer = read("message", {"error": {"code": code, "message": "so"}})
    assert (answer.status, answer.reason) == (status, "so")
    assert read("message", {"error": {"code": 103}}).reason == "Forbidden"


def test_disconnect_ends_the_connection():
    answer = read("message", {"disconnect": {"code": 4501, "reason": "banned"}})
    assert (answer.status, answer.close) == (403, (4501, "banned"))
    for odd in ({}, {"code": 1000}, {"code": "4501"}, {"code": 5000}):
        with pytest.raises(Broken):
            read("message", {"disconnect": odd})


def test_by_their_status_clients_are_refused_too_and_all_else_is_no_answer():
    assert read("handshake", {}, 401).status == 401
    for status in (201, 204, 302, 404, 500):
        with pytest.raises(Broken):
            read("handshake", {"result": {"user": "1"}}, status)
    for odd in ([], {"result": []}, {"result": {"user": 56}}, {"error": "x"}, {"result": {"b64data": "x"}}):
        with pytest.raises(Broken):
            read("handshake", odd)
