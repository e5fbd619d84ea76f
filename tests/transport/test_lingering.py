"""The end of a connection waits for the client's own."""

import socket
from contextlib import suppress
from typing import Any

import pytest

from filtered_websocket.transport.reactor import LeanEPollReactor
from tests.support.streams import Server, drain, fill, turn_until


def port_of(server: Server) -> Any:
    return server.transport.server


def read_to_the_end(reactor: LeanEPollReactor, client: socket.socket) -> bytes:
    client.setblocking(False)
    got = [b"begin"]

    def ended() -> bool:
        try:
            got.append(client.recv(65536))
        except BlockingIOError:
            return False
        return not got[-1]

    turn_until(reactor, ended)
    return b"".join(got[1:])


def test_a_peer_that_goes_on_sending_still_reads_all_that_was_sent_before_the_end(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    transport = server.transport
    written = fill(server)
    transport.loseConnection()
    client.sendall(b"late")
    got = drain(reactor, client, len(written))
    turn_until(reactor, lambda: server.lost is not None)
    transport.write(b"never")
    client.sendall(b"later")
    reactor.iterate(0)
    assert (got, read_to_the_end(reactor, client)) == (written, b"")
    assert server.received == b""
    assert (transport.connected, port_of(server).lingering) == (1, 1)
    client.close()
    turn_until(reactor, lambda: not transport.connected)
    assert port_of(server).lingering == 0
    assert reactor.getDelayedCalls() == []


def test_a_peer_that_never_closes_is_not_waited_for_long(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = pair
    transport = server.transport
    monkeypatch.setattr("filtered_websocket.transport.lingering.LINGER_SECONDS", 0.01)
    transport.loseConnection()
    assert read_to_the_end(reactor, client) == b""
    turn_until(reactor, lambda: not transport.connected)
    assert port_of(server).lingering == 0


def test_a_peer_that_goes_on_sending_is_waited_for_longer_but_not_for_ever(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = pair
    transport = server.transport
    monkeypatch.setattr("filtered_websocket.transport.lingering.LINGER_SECONDS", 0.02)
    monkeypatch.setattr("filtered_websocket.transport.lingering.MAX_LINGER_SECONDS", 0.2)
    begin = reactor.seconds()
    transport.loseConnection()

    def drip() -> bool:
        with suppress(BrokenPipeError, ConnectionResetError):
            client.send(b"x")
        return not transport.connected

    turn_until(reactor, drip)
    assert reactor.seconds() - begin > 0.1
    assert port_of(server).lingering == 0
    assert reactor.getDelayedCalls() == []


def test_a_peer_that_sends_without_end_is_reset(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = pair
    transport = server.transport
    monkeypatch.setattr("filtered_websocket.transport.lingering.LINGER_BYTES", 1000)
    transport.loseConnection()
    client.sendall(b"x" * 1001)
    turn_until(reactor, lambda: not transport.connected)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        client.sendall(b"x")
    assert port_of(server).lingering == 0
    assert reactor.getDelayedCalls() == []
