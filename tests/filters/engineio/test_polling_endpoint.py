"""The polling transport as HTTP has it: how sessions begin, and how many there may be."""

import json

from filtered_websocket.testing.server import Server
from tests.filters.ws_emit.clients import PACK, POLLING, Poller, ask
from tests.filters.ws_emit.pollers import OLD


def test_one_address_has_no_more_sessions_than_connections() -> None:
    with Server(PACK, max_connections_per_address=2) as server:
        first, second = Poller(server), Poller(server)
        assert ask(server, "GET", POLLING).status == 429
        assert ask(server, "GET", POLLING, peer="192.0.2.1").status == 200
        first.post("1")
        assert ask(server, "GET", POLLING).status == 200
        assert ask(server, "GET", POLLING).status == 429
        upgraded = second.websocket()
        upgraded.send("2probe")
        upgraded.send("5")
        assert ask(server, "GET", POLLING).status == 200


def test_a_session_does_not_keep_what_its_first_request_had_for_a_body(server: Server) -> None:
    assert ask(server, "GET", POLLING, b"x" * 1000).status == 200
    (session,) = server.pipeline().users.values()
    assert session.request.body == b""


def test_there_are_no_more_sessions_than_connections_may_be() -> None:
    with Server(PACK, max_connections=2) as server:
        clients = [Poller(server), Poller(server)]
        assert ask(server, "GET", POLLING).status == 503
        clients[0].post("1")
        assert ask(server, "GET", POLLING).status == 200


def test_a_body_that_is_too_large_is_refused_by_the_site(server: Server) -> None:
    from filtered_websocket.web.base import HTTPRequest

    assert server.server.site.routes.find(HTTPRequest("POST", POLLING)).limit == 1_000_000


def test_a_client_that_asks_for_base64_at_its_first_request_gets_no_bytes(server: Server) -> None:
    client = Poller(server, connect=False, uri=f"{OLD}&b64=1")
    message = {"method": "emit", "event": "e", "data": [[{"_placeholder": True, "num": 0}], "Af8="], "binary": True}
    server.result(server.storage_object.publish("flask-socketio", json.dumps(message)))
    get = client.get()
    assert get.response.content_type.startswith("text/plain")
    assert get.text == '39:451-["e",{"_placeholder":true,"num":0}]6:b4Af8='


def test_a_session_costs_the_rate_what_a_connection_costs() -> None:
    with Server(PACK, accept_rate=3) as server:
        statuses = [ask(server, "GET", POLLING).status for _ in range(6)]
        assert statuses == [200] * 3 + [503] * 3
        assert server.server.counters.totals["refused", "accept_rate"] == 3
        assert ask(server, "GET", POLLING).headers["Retry-After"] == "1"
        assert len(server.pipeline().users) == 3
        server.advance(1)
        client = Poller(server)
        for _ in range(10):
            client.post("3")  # what a session asks for later costs nothing of it
        assert ask(server, "GET", POLLING).status == 200


def test_limits_of_sessions_are_of_the_server_not_of_each_pipeline() -> None:
    pipelines = {"/a/*": [PACK], "/b/*": [PACK]}
    with Server(pipelines=pipelines, max_connections_per_address=2) as server:
        first = Poller(server, uri=f"/a{POLLING}")
        assert ask(server, "GET", f"/b{POLLING}").status == 200
        assert ask(server, "GET", f"/b{POLLING}").status == ask(server, "GET", f"/a{POLLING}").status == 429
        assert ask(server, "GET", f"/b{POLLING}", peer="2001:db8::1").status == 200
        first.post("1")
        assert ask(server, "GET", f"/b{POLLING}").status == 200
    with Server(pipelines=pipelines, max_connections=2) as server:
        assert [ask(server, "GET", f"/{each}{POLLING}").status for each in "aba"] == [200, 200, 503]
