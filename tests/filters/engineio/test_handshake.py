"""What polling and WebSockets begin with: a path, an origin, and parameters that must be right."""

import json
from typing import Any

import pytest

from filtered_websocket.filters.base import WebSocketHandshakeFilter
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import GOOD, PACK, POLLING, WEBSOCKET, Poller, ask

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
    assert server.server.counters.totals["refused", "origin"] == 6
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
