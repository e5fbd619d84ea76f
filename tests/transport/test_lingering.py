"""The end of a connection waits for the client's own."""

import socket
from contextlib import suppress

import pytest

from filtered_websocket.transport.reactor import LeanEPollReactor
from tests.support.streams import Server, drain, fill, port_of, read_to_the_end, turn_until, until_gone


def test_a_peer_that_goes_on_sending_still_reads_all_that_was_sent_before_the_end(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    written = fill(server)
    server.transport.loseConnection()
    client.sendall(b"late")
    got = drain(reactor, client, len(written))
    turn_until(reactor, lambda: server.lost is not None)
    server.transport.write(b"never")
    client.sendall(b"later")
    reactor.iterate(0)
    assert (got, read_to_the_end(reactor, client)) == (written, b"")
    assert server.received == b""
    assert (server.transport.connected, port_of(server).lingering) == (1, 1)
    client.close()
    until_gone(reactor, server)


def test_a_peer_that_never_closes_is_not_waited_for_long(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = pair
    monkeypatch.setattr("filtered_websocket.transport.lingering.LINGER_SECONDS", 0.01)
    server.transport.loseConnection()
    assert read_to_the_end(reactor, client) == b""
    until_gone(reactor, server)


def test_a_peer_that_goes_on_sending_is_waited_for_longer_but_not_for_ever(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = pair
    monkeypatch.setattr("filtered_websocket.transport.lingering.LINGER_SECONDS", 0.02)
    monkeypatch.setattr("filtered_websocket.transport.lingering.MAX_LINGER_SECONDS", 0.2)
    begin = reactor.seconds()
    server.transport.loseConnection()

    def drip() -> bool:
        with suppress(BrokenPipeError, ConnectionResetError):
            client.send(b"x")
        return not server.transport.connected

    turn_until(reactor, drip)
    assert reactor.seconds() - begin > 0.1
    until_gone(reactor, server)


def test_a_peer_that_sends_without_end_is_reset(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, client = pair
    monkeypatch.setattr("filtered_websocket.transport.lingering.LINGER_BYTES", 1000)
    server.transport.loseConnection()
    client.sendall(b"x" * 1001)
    until_gone(reactor, server)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        client.sendall(b"x")
