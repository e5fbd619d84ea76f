"""How a port accepts: those that it cannot serve are closed at once and counted, and it goes on."""

import socket
from collections import Counter
from contextlib import ExitStack
from typing import Any

import pytest

from filtered_websocket.transport.ports import TCPPort
from filtered_websocket.transport.reactor import LeanEPollReactor
from tests.support.descriptors import next_descriptor, no_more_descriptors
from tests.support.raw_client import DEADLINE
from tests.support.serving import logged
from tests.support.streams import Factory, turn_until


class Counted(TCPPort):
    """A port that notes what it counts."""

    def __init__(self, factory: Factory, reactor: LeanEPollReactor) -> None:
        super().__init__(0, factory, 50, "127.0.0.1", reactor)
        self.counts: Counter[tuple[str, ...]] = Counter()
        self.count = lambda *what: self.counts.update([what])


@pytest.fixture
def port(reactor: LeanEPollReactor) -> Counted:
    port = Counted(Factory(), reactor)
    port.startListening()
    return port


def connect(port: Counted, stack: ExitStack) -> socket.socket:
    return stack.enter_context(socket.create_connection(("127.0.0.1", port.getHost().port), DEADLINE))


def is_closed(reactor: LeanEPollReactor, client: socket.socket) -> bool:
    client.setblocking(False)
    ends: list[bytes] = []

    def ended() -> bool:
        try:
            ends.append(client.recv(100))
        except BlockingIOError:
            return False
        return True

    turn_until(reactor, ended)
    return ends == [b""]


def test_all_that_wait_are_accepted_in_one_turn(reactor: LeanEPollReactor, port: Counted) -> None:
    with ExitStack() as stack:
        for _ in range(20):
            connect(port, stack)
        reactor.iterate(0)
        assert len(port.factory.made) == 20
        assert port.counts == {}


def test_a_factory_that_makes_no_protocol_or_fails_closes_that_client_alone(
    reactor: LeanEPollReactor, port: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    build = port.factory.buildProtocol

    def sometimes(address: Any) -> Any:
        made.append(address)
        if len(made) == 1:
            return None
        if len(made) == 2:
            raise ZeroDivisionError
        return build(address)

    monkeypatch.setattr(port.factory, "buildProtocol", sometimes)
    with ExitStack() as stack, logged() as lines:
        clients = [connect(port, stack) for _ in range(3)]
        assert is_closed(reactor, clients[0])
        assert is_closed(reactor, clients[1])
        turn_until(reactor, lambda: port.factory.made)
    assert len([line for line in lines if "a connection could not be served" in line]) == 1


def test_clients_leave_the_descriptors_that_are_kept_back_to_others(reactor: LeanEPollReactor, port: Counted) -> None:
    with ExitStack() as stack:
        first, second = connect(port, stack), connect(port, stack)
        # The first takes the last descriptor that is for clients.
        port._most, port.kept_back = next_descriptor() + 1 + 10, 10
        assert is_closed(reactor, second)
        assert port.counts == {("refused", "out of descriptors", "127.0.0.1"): 1}
        assert len(port.factory.made) == 1
        first.close()
        turn_until(reactor, lambda: port.factory.made[0].lost is not None)
        connect(port, stack)
        port._most = next_descriptor() + 1 + 10
        turn_until(reactor, lambda: len(port.factory.made) == 2)


def test_without_any_descriptor_clients_are_closed_on_the_one_that_is_kept_for_it_and_the_port_goes_on(
    reactor: LeanEPollReactor, port: Counted
) -> None:
    with ExitStack() as stack:
        clients = [connect(port, stack) for _ in range(5)]
        with no_more_descriptors():
            for client in clients:
                assert is_closed(reactor, client)
        assert port.counts == {("refused", "out of descriptors", "127.0.0.1"): 5}
        assert port.factory.made == []
        connect(port, stack)
        turn_until(reactor, lambda: port.factory.made)


def test_without_even_that_one_the_port_rests_for_a_moment_instead_of_spinning(
    reactor: LeanEPollReactor, port: Counted
) -> None:
    with ExitStack() as stack:
        connect(port, stack)
        port._release()
        with no_more_descriptors():
            reactor.iterate(0)
            assert port not in reactor.getReaders()
            assert len(reactor.getDelayedCalls()) == 1
        turn_until(reactor, lambda: port.factory.made)
