import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from filtered_websocket.transport.ports import TCPPort
from filtered_websocket.transport.reactor import LeanEPollReactor
from tests.support import certificates
from tests.support.raw_client import DEADLINE
from tests.support.streams import Factory, Server, turn_until


@pytest.fixture
def reactor() -> Iterator[LeanEPollReactor]:
    """A reactor of the test's own, turned by hand."""
    reactor = LeanEPollReactor()
    yield reactor
    for each in reactor.removeAll():
        each.connectionLost(Failure(ConnectionDone()))
    for each in list(reactor._internalReaders):  # type: ignore[attr-defined]
        each.connectionLost(None)
    if reactor._alarm is not None:
        reactor._alarm.close()
    reactor._poller.close()


@pytest.fixture
def pair(reactor: LeanEPollReactor) -> Iterator[tuple[Server, socket.socket]]:
    """A connection: the server's protocol, and the client's socket."""
    factory = Factory()
    port = TCPPort(0, factory, 50, "127.0.0.1", reactor)
    port.startListening()
    with socket.create_connection(("127.0.0.1", port.getHost().port), DEADLINE) as client:
        turn_until(reactor, lambda: factory.made)
        yield factory.made[0], client


@pytest.fixture
def files(tmp_path: Path) -> certificates.Files:
    return certificates.write(tmp_path)
