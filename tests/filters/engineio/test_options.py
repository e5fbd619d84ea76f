"""The options of the pack: what they say is what the server does."""

import json

import pytest

from filtered_websocket.errors import ConfigError
from filtered_websocket.testing.client import Refused
from filtered_websocket.testing.server import Server
from tests.filters.engineio.clients import PACK, POLLING, WEBSOCKET, Session
from tests.filters.ws_emit.clients import ask


@pytest.mark.parametrize("written", ["/live", "/live/"])
@pytest.mark.parametrize("asked", ["/live", "/live/"])
def test_sessions_are_served_at_the_path_with_and_without_a_slash(written: str, asked: str) -> None:
    with Server(PACK, engineio_path=written) as server:
        assert ask(server, "GET", f"{asked}?EIO=4&transport=polling").status == 200
        assert server.connect(f"{asked}?EIO=4&transport=websocket").is_open
        assert ask(server, "GET", POLLING).status == 404
        with pytest.raises(Refused) as refused:
            server.connect(WEBSOCKET)
        assert refused.value.status == 404


@pytest.mark.parametrize("path", ["live", "/a?b", "/a*", "/a b", ""])
def test_a_path_that_is_none_is_refused_at_the_start(path: str) -> None:
    with pytest.raises(ConfigError, match="a path is wanted"):
        Server(PACK, engineio_path=path).__enter__()


def test_the_handshake_tells_intervals_and_the_largest_payload() -> None:
    with Server(PACK, engineio_ping_interval=0.3, engineio_ping_timeout=0.2, engineio_max_payload=2000) as server:
        handshake = json.loads(ask(server, "GET", POLLING).text[1:])
        assert (handshake["pingInterval"], handshake["pingTimeout"], handshake["maxPayload"]) == (300, 200, 2000)


def test_a_larger_body_is_refused() -> None:
    with Server(PACK, engineio_max_payload=2000) as server:
        client = Session(server)
        assert client.poller is not None
        assert ask(server, "POST", client.poller.uri, "4" + "x" * 1999).status == 200
        route = server.server.site.routes
        assert ask(server, "GET", POLLING).status == 200
        assert {each.body_limit(server.pipeline()) for each in server.pipeline().endpoints} == {2000}, route


@pytest.mark.parametrize(("interval", "timeout"), [(0.3, 0.2), (2.5, 1.0), (25, 20)])
@pytest.mark.parametrize("kind", ["polling", "websocket"])
def test_a_client_that_is_silent_is_gone_by_interval_and_timeout(kind: str, interval: float, timeout: float) -> None:
    with Server(PACK, engineio_ping_interval=interval, engineio_ping_timeout=timeout) as server:
        Session(server, kind)
        step = 0.05 if interval < 5 else 1.0
        for _ in range(round(interval / 2 / step) - 1):
            server.advance(step)
        assert len(server.pipeline().users) == 1
        for _ in range(round((interval / 2 + timeout) / step) + 3):
            server.advance(step)
        assert not server.pipeline().users


def test_a_client_that_answers_pings_stays() -> None:
    with Server(PACK, engineio_ping_interval=0.3, engineio_ping_timeout=0.2) as server:
        client = Session(server, "websocket")
        for _ in range(40):
            server.advance(0.05)
            for packet in client.websocket.received():  # type: ignore[union-attr]
                assert packet == "2"
                client.websocket.send("3")  # type: ignore[union-attr]
        assert client.websocket.is_open  # type: ignore[union-attr]


@pytest.mark.parametrize("only", ["polling", "websocket"])
def test_only_the_transports_named_are_served(only: str) -> None:
    with Server(PACK, engineio_transports=[only]) as server:
        polling = ask(server, "GET", POLLING)
        assert polling.status == (200 if only == "polling" else 400)
        if only == "polling":
            assert json.loads(polling.text[1:])["upgrades"] == []
            with pytest.raises(Refused):
                server.connect(WEBSOCKET)
        else:
            assert server.connect(WEBSOCKET).is_open


@pytest.mark.parametrize("transports", [["flash"], []])
def test_a_transport_that_there_is_not_is_refused_at_the_start(transports: list[str]) -> None:
    with pytest.raises(ConfigError, match="one or both of polling and websocket"):
        Server(PACK, engineio_transports=transports).__enter__()


def test_engine_io_3_and_pages_of_others_want_an_option() -> None:
    page = {"origin": "http://a.example", "host": "b.example"}
    with Server(PACK) as server:
        assert ask(server, "GET", POLLING.replace("EIO=4", "EIO=3")).status == 400
        assert ask(server, "GET", POLLING, headers=page).status == 400
        assert (
            ask(server, "GET", POLLING, headers={"origin": "http://localhost:9000", "host": "localhost:9000"}).status
            == 200
        )
    with Server(PACK, engineio_eio3=True, engineio_cors=["*"]) as server:
        assert ask(server, "GET", POLLING.replace("EIO=4", "EIO=3"), headers=page).status == 200
