"""Which pages may read what polling answers, and POST /emit."""

import json
from typing import Any

import pytest

from filtered_websocket.filters.base import WebSocketHandshakeFilter
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, POLLING, WEBSOCKET, Poller, ask, emit, socket

GOOD = "http://localhost:7788"
BAD = [
    "http://localhost:7789",
    "http://localhost",
    "https://localhost:7788",
    "http://localhost:7788.evil.example",
    "http://evil.example/http://localhost:7788",
    "http://127.0.0.1:7788",
    "http://evillocalhost:7788",
    "null",
    "",
    "*",
]


def test_a_page_of_an_allowed_origin_may_read_every_answer(server: Server) -> None:
    opened = ask(server, "GET", POLLING, headers={"origin": GOOD})
    uri = f"{POLLING}&sid={json.loads(opened.text[1:])['sid']}"
    posted = ask(server, "POST", uri, "40", {"origin": GOOD})
    polled = ask(server, "GET", uri, headers={"origin": GOOD})
    refused = ask(server, "GET", f"{POLLING}&sid=x", headers={"origin": GOOD})
    assert [each.status for each in (opened, posted, polled, refused)] == [200, 200, 200, 400]
    for answer in (opened, posted, polled, refused):
        assert answer.headers["Access-Control-Allow-Origin"] == GOOD
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"


def test_a_client_that_is_no_page_is_let_in_and_told_nothing_of_pages(server: Server) -> None:
    answer = ask(server, "GET", POLLING)
    assert answer.status == 200
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("origin", BAD)
def test_pages_of_other_origins_are_refused_on_both_transports(server: Server, origin: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = ask(server, method, POLLING, headers={"origin": origin})
        assert answer.status == 400
        assert "Access-Control-Allow-Origin" not in answer.headers
    client = Poller(server)
    assert ask(server, "GET", client.uri, headers={"origin": origin}).status == 400
    for uri in (WEBSOCKET, client.uri.replace("polling", "websocket")):
        with pytest.raises(Refused) as refused:
            server.connect(uri, {"Origin": origin})
        assert refused.value.status == 400
    assert client.get().waits


def test_a_preflight_is_answered_with_what_was_asked_for(server: Server) -> None:
    asked = {
        "origin": GOOD,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type, x-other",
    }
    answer = ask(server, "OPTIONS", POLLING, headers=asked)
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Methods"] == "OPTIONS, GET, POST"
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type, x-other"
    assert answer.headers["Access-Control-Allow-Origin"] == GOOD
    assert ask(server, "OPTIONS", POLLING).status == 200


def test_a_star_lets_every_page_in_and_names_it() -> None:
    with Server(PACK, ws_emit_cors=["*"]) as server:
        for origin in ("https://any.example", "null"):
            answer = ask(server, "GET", POLLING, headers={"origin": origin})
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert server.connect(WEBSOCKET, {"Origin": origin}).is_open


def test_a_websocket_elsewhere_is_not_found(server: Server) -> None:
    for path in ("/", "/socket.iox?EIO=4&transport=websocket", "/emit", "/other/socket.io/?EIO=4&transport=websocket"):
        with pytest.raises(Refused) as refused:
            server.connect(path)
        assert refused.value.status == 404


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


@pytest.mark.parametrize("eio", ["3", "4"])
def test_the_slash_at_the_paths_end_may_be_missing(server: Server, eio: str) -> None:
    uri = f"/socket.io?EIO={eio}&transport=polling"
    client = Poller(server, connect=False, uri=uri)
    assert ask(server, "OPTIONS", uri).status == 200
    if eio == "4":
        client.post("40")
        assert client.received()[0].startswith("40{")
    upgraded = client.websocket()
    upgraded.send("2probe")
    assert upgraded.received() == ["3probe"]
    assert server.connect(uri.replace("polling", "websocket")).is_open
    for path in ("/socket.iox", "/socket.i", "/x/socket.io", "/socket.io%3F"):
        assert ask(server, "GET", uri.replace("/socket.io", path)).status in (404, 426)


def test_the_slash_may_be_missing_in_a_pipeline_of_its_own_too() -> None:
    with Server(pipelines={"/live/*": {"filters": [PACK]}}) as server:
        Poller(server, uri="/live/socket.io?EIO=4&transport=polling")
        assert server.connect("/live/socket.io?EIO=4&transport=websocket").is_open
        assert ask(server, "GET", "/socket.io?EIO=4&transport=polling").status == 404


def test_a_client_that_offers_subprotocols_gets_the_first_unless_a_filter_has_chosen() -> None:
    uri = "/socket.io/?EIO=4&transport=websocket"
    with Server(PACK) as server:
        assert server.connect(uri, protocols=["a", "b"]).protocol == "a"
        assert server.connect(uri).protocol is None

    class Choose(WebSocketHandshakeFilter):
        @classmethod
        def filter(cls, web_socket_instance: Any, data: Any) -> None:
            web_socket_instance.accept("b", [("X-Seen", "1")])

    with Server(Choose, PACK) as server:
        client = server.connect(uri, {}, ["a", "b"])
        assert (client.protocol, client.response_headers["X-Seen"]) == ("b", "1")


def test_the_secret_of_emit_is_compared_and_never_shown(server: Server) -> None:
    for secret in ("124", "", None, 123, True, ["123"], {"123": 1}, "<script>"):
        answer = emit(server, event="e", secret=secret)
        assert (answer.status, answer.text) == (403, "the secret is wrong\n")
        assert answer.response.content_type.startswith("text/plain")
    assert emit(server, event="e").status == 403
