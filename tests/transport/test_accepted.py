"""The sockets of clients: their ends, and for how many of them the server waits."""

import socket
import struct
from typing import Any

import pytest

from filtered_websocket.transport.ports import UNIXPort
from filtered_websocket.transport.reactor import LeanEPollReactor
from tests.support.raw_client import DEADLINE
from tests.support.streams import Factory, Server, another, turn_until


def test_of_a_connection_that_nobody_watches_only_a_reset_is_an_end(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    server.transport.watcher = None
    server.transport.pauseProducing()
    client.shutdown(socket.SHUT_WR)
    for _ in range(5):
        reactor.iterate(0)
    assert server.lost is None
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    turn_until(reactor, lambda: server.lost is not None)


def test_reading_that_goes_on_is_told_nothing_but_what_it_reads(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    for _ in range(3):
        server.transport.pauseProducing()
        server.transport.pauseProducing()
        server.transport.resumeProducing()
    client.sendall(b"last")
    client.close()
    turn_until(reactor, lambda: server.lost is not None)
    assert (server.received, server.told) == (b"last", [])


def test_nagle_is_off(pair: tuple[Server, socket.socket]) -> None:
    server, _ = pair
    assert server.transport.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_unix_socket_writes_through_as_well(reactor: LeanEPollReactor, tmp_path: Any) -> None:
    factory = Factory()
    port = UNIXPort(str(tmp_path / "socket"), factory, 50, reactor=reactor)  # type: ignore[arg-type]
    port.startListening()
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE)
        client.connect(str(tmp_path / "socket"))
        turn_until(reactor, lambda: factory.made)
        factory.made[0].transport.write(b"at once")
        assert client.recv(100) == b"at once"


def test_only_so_many_peers_are_waited_for(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, _ = pair
    transport = server.transport
    monkeypatch.setattr("filtered_websocket.transport.accepted.MAX_LINGERING", 1)
    with another(reactor) as (second, _):
        transport.loseConnection()
        turn_until(reactor, lambda: server.lost is not None)
        second.transport.loseConnection()
        turn_until(reactor, lambda: second.lost is not None)
        assert (transport.connected, second.transport.connected) == (1, 0)
