"""Polling, as the pack serves it."""

from collections.abc import Callable

from filtered_websocket.testing.server import Server
from tests.filters.socketio.clients import Echo
from tests.filters.ws_emit.clients import POLLING, Poller, ask


def test_a_client_that_polls_emits_and_is_acknowledged_text_and_bytes(serve: Callable[..., Server]) -> None:
    polling = Poller(serve(Echo))
    polling.post('421["echo",1]', '451-2["echo",{"_placeholder":true,"num":0}]', "bAQID")
    assert polling.received() == ["431[1]", '461-2[{"_placeholder":true,"num":0}]', "bAQID"]


def test_pages_of_other_origins_may_connect_as_the_option_says(serve: Callable[..., Server]) -> None:
    server = serve(Echo, socketio_cors=["https://a.example"])
    good = ask(server, "GET", POLLING, headers={"origin": "https://a.example"})
    assert (good.status, good.headers["Access-Control-Allow-Origin"]) == (200, "https://a.example")
    assert ask(server, "GET", POLLING, headers={"origin": "https://b.example"}).status == 400


def test_a_body_of_more_packets_than_are_allowed_ends_the_session(serve: Callable[..., Server]) -> None:
    server = serve(Echo, socketio_max_packets=3)
    polling = Poller(server)
    assert polling.post(*(f'42{number}["echo"]' for number in range(3))).status == 200
    assert polling.received() == ["430[]", "431[]", "432[]"]
    assert polling.post(*(f'42{number}["echo"]' for number in range(4))).status == 400
    assert polling.get().status == 400
    assert server.server.counters.totals["closed", "socketio_max_packets"] == 1
