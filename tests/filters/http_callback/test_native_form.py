"""Our own form, written and read."""

import json

import pytest

from filtered_websocket.filters.http_callback import native_form as native
from filtered_websocket.filters.http_callback.events import Broken
from tests.filters.http_callback.asking import connection


def ask(event, data=b"", binary=False, **values):
    return native.question(event, connection(**values), data, binary, "")


def read(event, answer, status=200, binary=False):
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return native.read(ask(event, b"x", binary), status, body)


def test_questions():
    common = {
        "pipeline": "*", "connection": "c1", "user": "ann", "peer": "192.0.2.1", "path": "/chat", "query": "room=1",
    }  # fmt: skip
    for event, more in (
        (ask("handshake"), {"event": "handshake", "origin": "https://a.example", "host": "ws.example"}),
        (ask("message", "ä\n".encode()), {"event": "message", "binary": False, "data": "ä\n"}),
        (ask("message", b"\0\xff", True), {"event": "message", "binary": True, "data": "AP8="}),
        (ask("disconnect"), {"event": "disconnect", "code": 1000, "reason": "bye"}),
    ):
        asked = json.loads(event.body)
        assert asked.pop("time") > 1_700_000_000
        assert asked.pop("id") == event.id
        assert asked == common | more
    assert ask("handshake").id != ask("handshake").id


def test_an_answer_may_say_all_or_nothing():
    said = {"status": 201, "user": "bob", "data": {"a": 1}, "channels": ["news"], "reason": "so", "more": 1}
    answer = read("handshake", said)
    assert (answer.status, answer.user, answer.payload, answer.channels) == (201, "bob", b'{"a":1}', ("news",))
    nothing = dict.fromkeys(("status", "user", "data", "channels", "reason"))
    for empty in ({}, nothing, {"user": ""}):
        answer = read("message", empty)
        assert (answer.status, answer.user, answer.payload, answer.channels) == (200, None, None, ())
    assert read("message", b"", 204).status == 204


def test_data_is_text_or_json_and_base64_for_what_was_binary():
    assert read("message", {"data": "as it is"}).payload == b"as it is"
    assert read("message", {"data": False}).payload == b"false"
    assert read("message", {"data": "AAE="}, binary=True).payload == b"\0\1"
    refused = read("message", {"status": 422, "data": {"why": "so"}}, binary=True)
    assert (refused.payload, refused.binary) == (b'{"why":"so"}', False)
    for odd in ({"data": {"a": 1}}, {"data": "no base64"}):
        with pytest.raises(Broken):
            read("message", odd, binary=True)


def test_no_is_said_in_the_answer_or_by_its_status():
    assert read("handshake", {"status": 401, "reason": "log in"})[::6] == (401, "log in")
    assert read("handshake", {"status": 599})[::6] == (599, "refused")
    assert read("handshake", b"<html>", 403)[::6] == (403, "Forbidden")
    assert read("handshake", {"reason": "so"}, 429)[::6] == (429, "so")
    assert read("handshake", {"status": 402}, 403).status == 402
    assert read("handshake", {"status": 200, "user": "eve"}, 403).status == 403, "HTTP's own no is not overruled"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"", 200), (b"OK", 200), (b"[]", 200), (b"<html>", 404), ({}, 404), ({}, 301), ({}, 500), (b"", 302),
        ({"status": 404}, 404), ({"status": 500}, 500), ({"status": 403}, 302),
        ({"status": 100}, 200), ({"status": 302}, 200), ({"status": 600}, 200), ({"status": "403"}, 200),
        ({"status": 403.0}, 200), ({"status": True}, 200), ({"user": 5}, 200), ({"user": "\ud800"}, 200),
        ({"channels": "news"}, 200), ({"data": "\ud800"}, 200), ({"reason": 5, "status": 403}, 200),
    ],
)  # fmt: skip
def test_everything_else_is_no_answer(answer, status):
    with pytest.raises(Broken):
        read("handshake", answer, status)
