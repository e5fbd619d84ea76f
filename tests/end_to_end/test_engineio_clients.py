"""The real fws_server with plain filters and npm's engine.io-client: 6 (protocol 4), and 3."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.engineio_clients import MODULES, TRANSPORTS, Client
from tests.support.fws_server import FwsServer

Connect = Callable[..., Client]
FILTERS = ("filtered_websocket.filters.engineio", "filtered_websocket.filters.broadcast_messages")
SENT = ["hello", [0, 1, 4, 255], "é 😀", []]
protocols = pytest.mark.parametrize("protocol", MODULES)
transports_ = pytest.mark.parametrize("transports", TRANSPORTS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: Any) -> Iterator[FwsServer]:
    with FwsServer("-f", *FILTERS, "--engineio_eio3", cwd=tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def connect(server: FwsServer) -> Iterator[Connect]:
    with ExitStack() as stack:

        def begin(protocol: int, transports: str) -> Client:
            client = stack.enter_context(Client(protocol, f"ws://127.0.0.1:{server.port}", transports))
            client.wait_until_ready(transports)
            return client

        yield begin


@transports_
@protocols
def test_text_and_bytes_are_broadcast_to_and_by_a_stock_client(
    connect: Connect, protocol: int, transports: str
) -> None:
    clients = [connect(protocol, transports), connect(4, "websocket"), connect(4, "polling"), connect(3, "default")]
    for sender in clients[:2]:
        sender.say(*SENT)
        for receiver in clients:
            if receiver is not sender:
                assert receiver.messages(len(SENT)) == SENT


@protocols
def test_what_is_sent_while_a_client_upgrades_comes_once_and_in_order(
    server: FwsServer, connect: Connect, protocol: int
) -> None:
    sender = connect(4, "websocket")
    with Client(protocol, f"ws://127.0.0.1:{server.port}") as client:
        client.wait("open")
        numbers = [str(number) for number in range(500)]
        for number in numbers:
            sender.say(number)
        client.wait("upgrade")
        assert client.messages(len(numbers)) == numbers
