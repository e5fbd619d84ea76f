import socket
from typing import Any

from twisted.internet.interfaces import IPullProducer
from zope.interface import implementer

from filtered_websocket.transport.reactor import LeanEPollReactor
from tests.support.serving import logged
from tests.support.streams import Server, another, drain, fill, turn_until


def test_a_write_is_sent_before_it_returns(pair: tuple[Server, socket.socket]) -> None:
    server, client = pair
    server.transport.write(b"at once")
    assert client.recv(100) == b"at once"
    server.transport.writeSequence([b"this", b" too"])
    assert client.recv(100) == b"this too"
    assert server.told == []


def test_what_the_kernel_refuses_waits_and_keeps_its_order(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    transport = server.transport
    written = fill(server)
    assert server.told == ["blocked"]
    before = transport.pending
    transport.write(b"x" * 1000)
    assert transport.pending == before + 1000
    assert drain(reactor, client, len(written) + 1000) == written + b"x" * 1000
    turn_until(reactor, lambda: not transport.blocked)
    assert server.told == ["blocked", "drained"]
    assert transport.pending == 0
    assert transport.taken >= before + 1000
    # And then writes go through again.
    transport.write(b"at once")
    client.setblocking(True)
    assert client.recv(100) == b"at once"


def test_what_waits_is_sent_before_a_close(reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]) -> None:
    server, client = pair
    written = fill(server)
    server.transport.loseConnection()
    assert drain(reactor, client, len(written)) == written
    turn_until(reactor, lambda: server.lost is not None)
    client.setblocking(True)
    assert client.recv(1) == b""


def test_a_write_to_a_peer_that_is_gone_ends_the_connection_where_twisted_ends_it(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    transport = server.transport
    transport.pauseProducing()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    transport.write(b"to nobody")
    transport.write(b"to nobody")
    assert server.lost is None
    turn_until(reactor, lambda: server.lost is not None)
    transport.write(b"after the end")


def test_an_abort_ends_what_waits_and_says_drained_once(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, _ = pair
    fill(server)
    server.transport.abortConnection()
    turn_until(reactor, lambda: server.lost is not None)
    assert server.told == ["blocked", "drained"]


def test_a_pull_producer_is_asked_again_and_again(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    transport = server.transport

    @implementer(IPullProducer)
    class Counts:
        number = 0

        def resumeProducing(self) -> None:
            self.number += 1
            if self.number == 6:
                transport.unregisterProducer()
            else:
                transport.write(str(self.number).encode())

        def stopProducing(self) -> None: ...

    transport.registerProducer(Counts(), False)
    assert drain(reactor, client, 5) == b"12345"


def test_a_protocol_that_raises_ends_its_own_connection_only(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair
    with another(reactor) as (bystander, other):
        with logged() as lines:
            client.sendall(b"raise")
            turn_until(reactor, lambda: server.lost is not None)
        assert "a protocol that fails" in "".join(lines)
        other.sendall(b"fine")
        turn_until(reactor, lambda: bystander.received == b"fine")


def test_a_protocol_that_raises_when_it_is_lost_takes_nothing_from_the_others_of_its_turn(
    reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]
) -> None:
    server, client = pair

    def fail(reason: Any) -> None:
        raise RuntimeError("a storage object that fails")

    server.connectionLost = fail  # type: ignore[assignment,method-assign]
    with another(reactor) as (second, other), another(reactor) as (third, leaving):
        third.connectionLost = fail  # type: ignore[assignment,method-assign]
        with logged() as lines:
            client.sendall(b"raise")
            leaving.shutdown(socket.SHUT_WR)
            other.sendall(b"read once")
            # An error that left the turn would arrive here.
            turn_until(reactor, lambda: second.received)
        assert second.received == b"read once"
        assert "".join(lines).count("a storage object that fails") >= 2


def test_the_end_of_a_peer_ends_the_connection(reactor: LeanEPollReactor, pair: tuple[Server, socket.socket]) -> None:
    server, client = pair
    client.sendall(b"last")
    client.close()
    turn_until(reactor, lambda: server.lost is not None)
    assert server.received == b"last"
