"""The ends of connections that are not read."""

import socket
import struct

import pytest
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from filtered_websocket.transport.reactor import LeanEPollReactor
from tests.support.serving import logged
from tests.support.streams import Server, another, turn_until


def lose(*servers: Server) -> None:
    """What is not read the reactor does not know: it would not be closed with it."""
    for server in servers:
        server.transport.connectionLost(Failure(ConnectionDone()))


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("unread", [b"", b"unread"])
def test_the_end_of_a_connection_that_is_not_read_is_told(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket], how: str, unread: bytes
) -> None:
    server, client = pair
    server.transport.pauseProducing()
    client.sendall(unread)
    if how == "rst":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    turn_until(reactor, lambda: server.told == ["ended"])
    assert server.lost is None
    assert server.received == b""
    lose(server)


def test_a_protocol_that_raises_at_its_end_takes_nobody_else_s(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair

    def fail() -> None:
        raise RuntimeError("a connection that fails at its end")

    server.transport_ended = fail  # type: ignore[method-assign]
    with another(reactor) as (second, other), another(reactor) as (third, later), logged() as lines:
        for each in (server, second, third):
            each.transport.pauseProducing()
        for each in (client, other):
            each.close()
        turn_until(reactor, lambda: second.told == ["ended"])
        later.close()
        turn_until(reactor, lambda: third.told == ["ended"])
        lose(server, second, third)
    assert "a connection has failed at its end" in "".join(lines)
