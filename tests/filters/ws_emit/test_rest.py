"""Which pages may read what polling answers, and POST /emit."""

import json
from typing import Any

import pytest

from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import GOOD, PACK, ask, emit, socket


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        ({"time": 111111}, '["e",{"time":111111}]'),
        ([1, 2], '["e",[1,2]]'),
        (0, '["e",0]'),
        ("", '["e",""]'),
        (False, '["e",false]'),
        (None, '["e"]'),
        ({"_placeholder": True, "num": 0}, '["e",{"_placeholder":true,"num":0}]'),
        ("é\ud800", '["e","\\u00e9\\ud800"]'),
    ],
)
def test_data_is_one_argument_and_null_is_none(server: Server, data: Any, sent: str) -> None:
    client = socket(server)
    answer = emit(server, event="e", data=data, secret="123")
    assert (answer.status, answer.text) == (200, "OK\n")
    assert client.received() == [f"42{sent}"]


def test_an_emission_goes_to_a_room_to_everybody_or_nowhere(server: Server) -> None:
    client = socket(server)
    client.send('42["join",{"room":"a"}]')
    client.sync()
    for members in (
        {"room": "a"},
        {"room": "b"},
        {"room": None},
        {},
        {"namespace": "/x"},
        {"room": "a", "namespace": "/"},
    ):
        assert emit(server, event="e", data=str(members), secret="123", **members).status == 200
    wanted = [{"room": "a"}, {"room": None}, {}, {"room": "a", "namespace": "/"}]
    assert [json.loads(str(packet)[2:])[1] for packet in client.received()] == [str(members) for members in wanted]


@pytest.mark.parametrize(
    "members",
    [{}, {"event": None}, {"event": 5}, {"event": ["e"]}, {"event": "e", "room": 5}, {"event": "e", "room": ["a", 5]},
     {"event": "e", "room": {}}, {"event": "e", "namespace": 5}],
)  # fmt: skip
def test_an_emission_of_wrong_members_is_told_what_is_wrong(server: Server, members: Any) -> None:
    client = socket(server)
    answer = emit(server, secret="123", **members)
    assert answer.status == 400
    assert "wanted" in answer.text
    assert client.received() == []


@pytest.mark.parametrize(
    "body", ["", "5", "[]", '"x"', "null", "{", "\ud800", '{"secret":"123","event":"e","data":NaN}', "[" * 10_000]
)
def test_an_emission_that_is_no_json_object_is_refused(server: Server, body: str) -> None:
    answer = ask(server, "POST", "/emit", body.encode("utf-8", "surrogatepass"), {"content-type": "application/json"})
    assert answer.status == 400


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_an_emission_of_another_content_type_is_refused(server: Server, kind: str) -> None:
    body = json.dumps({"event": "e", "secret": "123"})
    assert ask(server, "POST", "/emit", body, {"content-type": kind}).status == 415
    good = ask(server, "POST", "/emit", body, {"content-type": "Application/JSON; charset=utf-8"})
    assert good.status == 200


def test_emissions_are_posted_and_no_page_may_read_the_answer(server: Server) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert ask(server, method, "/emit").status == 405
    body = json.dumps({"event": "e", "secret": "123"})
    answer = ask(server, "POST", "/emit", body, {"content-type": "application/json", "origin": GOOD})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_without_a_secret_there_is_no_emit() -> None:
    with Server(PACK) as server:
        for secret in ("", None, "x"):
            assert emit(server, event="e", secret=secret).status == 404


def test_the_secret_of_emit_is_compared_and_never_shown(server: Server) -> None:
    for secret in ("124", "", None, 123, True, ["123"], {"123": 1}, "<script>"):
        answer = emit(server, event="e", secret=secret)
        assert (answer.status, answer.text) == (403, "the secret is wrong\n")
        assert answer.response.content_type.startswith("text/plain")
    assert emit(server, event="e").status == 403
