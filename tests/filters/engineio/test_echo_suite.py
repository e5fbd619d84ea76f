"""The public test suites of Engine.IO 4 and 3, as their server has it: plain filters that echo, and short pings.

Those of their tests that want no echo are in test_engineio_suite.py, as ws_emit serves them.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.testing.server import Server
from tests.filters.engineio.clients import PACK, POLLING, WEBSOCKET, Session
from tests.filters.ws_emit.clients import Poller, ask

OLD = POLLING.replace("EIO=4", "EIO=3")


class Echo(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> None:
        web_socket_instance.sendMessage(data)


@pytest.fixture
def server() -> Iterator[Server]:
    options = {"engineio_ping_interval": 0.3, "engineio_ping_timeout": 0.2, "engineio_cors": ["*"]}
    with Server(PACK, Echo, engineio_eio3=True, **options) as running:
        yield running


@pytest.mark.parametrize("body", ["4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA=="])
def test_a_payload_comes_back_as_it_was(server: Server, body: str) -> None:
    client = Poller(server, connect=False, uri=POLLING)
    assert client.post(body).text == "ok"
    assert client.get().text == body


@pytest.mark.parametrize(
    ("body", "query", "answer"),
    [
        (b"6:4hello", "", b"6:4hello"),
        (b"6:4test16:4test26:4test3", "", b"6:4test16:4test26:4test3"),
        (b"6:4hello10:b4AQIDBA==", "&b64=1", b"6:4hello10:b4AQIDBA=="),
        (b"\0\6\xff4hello\1\5\xff\4\1\2\3\4", "", b"\0\6\xff4hello\1\5\xff\4\1\2\3\4"),
    ],
)
def test_a_payload_of_engine_io_3_comes_back_as_it_was(server: Server, body: bytes, query: str, answer: bytes) -> None:
    client = Poller(server, connect=False, uri=OLD + query)
    assert ask(server, "POST", client.uri, body).text == "ok"
    assert client.get().response.body == answer


@pytest.mark.parametrize(("protocol", "data"), [(4, b"\1\2\3\4"), (3, b"\4\1\2\3\4")])
def test_a_websocket_echoes_text_and_bytes(server: Server, protocol: int, data: bytes) -> None:
    client = server.connect(WEBSOCKET.replace("EIO=4", f"EIO={protocol}"))
    client.received()
    client.send("4hello")
    client.send(data)
    assert client.received() == ["4hello", data]


def test_a_client_that_polls_gets_pings_at_the_interval_that_was_told(server: Server) -> None:
    client = Poller(server, connect=False, uri=POLLING)
    for _ in range(3):
        get = client.get()
        while get.waits:
            server.advance(0.05)
        assert get.text == "2"
        assert client.post("3").text == "ok"


def test_a_client_of_engine_io_3_pings_itself(server: Server) -> None:
    client = Poller(server, connect=False, uri=OLD)
    for _ in range(3):
        server.advance(0.4)
        client.post("1:2")
        assert client.get().text == "1:3"
    server.advance(0.51)
    assert client.get().status == 400


def test_after_an_upgrade_all_goes_by_the_websocket_and_others_are_ignored(server: Server) -> None:
    client = Session(server, "upgraded")
    assert client.poller is not None
    assert client.poller.get().status == 400
    assert client.poller.websocket().close_code == 1000
    client.send("hello")
    assert client.received() == ["4hello"]


def test_another_websocket_is_closed_while_one_takes_over(server: Server) -> None:
    client = Session(server)
    assert client.poller is not None
    first = client.poller.websocket()
    first.send("2probe")
    assert first.received() == ["3probe"]
    assert client.poller.websocket().close_code == 1000
    first.abort()
    server.settle()
    second = client.poller.websocket()
    second.send("2probe")
    second.send("5")
    second.send("4hello")
    assert second.received() == ["3probe", "4hello"]
