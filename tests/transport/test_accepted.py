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


# The end of a connection that has nothing to write.


def test_a_connection_with_nothing_to_write_ends_without_a_write_event(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = pair
    writers: list[Any] = []
    monkeypatch.setattr(reactor, "addWriter", writers.append)
    server.transport.write(b"before ")
    server.transport.loseConnection()
    server.transport.loseConnection()
    # In the same turn; and what only the turn's end brings.
    server.transport.write(b"behind it ")
    reactor.at_turn_end(lambda: server.transport.write(b"at the turn's end"))
    turn_until(reactor, lambda: server.lost is not None)
    assert client.recv(100) == b"before behind it at the turn's end"
    assert client.recv(100) == b""
    assert not writers


def test_what_waits_at_the_turns_end_is_written_first(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    server.transport.loseConnection()
    sent = b"x" * (16 << 20)  # more than the kernel takes
    server.transport.write(sent)
    received = bytearray()
    client.setblocking(False)

    def has_all() -> bool:
        try:
            received.extend(client.recv(1 << 20))
        except BlockingIOError:
            pass
        return len(received) == len(sent)

    turn_until(reactor, has_all)
    turn_until(reactor, lambda: server.lost is not None)


def test_an_end_now_comes_before_an_end_at_the_turns_end(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    server.transport.loseConnection()
    server.transport.abortConnection()
    turn_until(reactor, lambda: server.lost is not None)
    with pytest.raises(ConnectionResetError):
        client.recv(100)
