"""Ports of both families."""

import socket
from typing import Any

import pytest
from twisted.internet import protocol

from filtered_websocket.errors import ConfigError
from filtered_websocket.transport.addresses import address_of, addresses_of
from filtered_websocket.transport.listening import bind, listen
from tests.support.listening import Factory, fault, greeting, listening
from tests.support.raw_client import DEADLINE
from tests.support.reactor_thread import call


class Peers(protocol.Protocol):
    """Tells a client what its address and the server's are, as a caller gets them."""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.write(f"{self.factory.peer} {transport.getPeer()} {transport.getHost()}".encode())  # type: ignore[union-attr]
        transport.loseConnection()


class PeersFactory(Factory):
    protocol = Peers

    def buildProtocol(self, addr: Any) -> Any:
        self.peer = addr
        return super().buildProtocol(addr)


@pytest.mark.parametrize("shared", [False, True])
def test_all_addresses_are_those_of_both_families_on_one_port(shared: bool) -> None:
    from twisted.internet import reactor

    opened = call(lambda: listen(PeersFactory(), "", 0, 50, reactor, shared=shared))
    try:
        port = opened.getHost().port
        for host, kind in (("127.0.0.1", "IPv4"), ("::1", "IPv6")):
            with socket.create_connection((host, port), DEADLINE) as client:
                peer = f"{kind}Address(type='TCP', host='{host}', port={client.getsockname()[1]}"
                here = f"{kind}Address(type='TCP', host='{host}', port={port}"
                said = b"".join(iter(lambda client=client: client.recv(1000), b"")).decode()  # type: ignore[misc]
            assert said.count(peer) == 2
            assert said.count(here) == 1
        urls = [f"ws://0.0.0.0:{port}", f"ws://[::]:{port}"]
        assert addresses_of(opened.socket, False) == urls
        assert address_of(opened, False) == urls[0]
    finally:
        call(opened.stopListening)


def test_a_machine_without_ipv6_listens_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with listening("") as opened:
        assert greeting(("127.0.0.1", opened.getHost().port)) == b"hello"
        assert addresses_of(opened.socket, False) == [f"ws://0.0.0.0:{opened.getHost().port}"]
    with bind("", 0, 5) as bound:
        assert addresses_of(bound, False) == [f"ws://0.0.0.0:{bound.getsockname()[1]}"]


def test_a_port_of_one_family_that_is_in_use_is_not_shared_by_halves() -> None:
    with listening("0.0.0.0") as opened:
        port = opened.getHost().port
        assert fault("", port) == f"cannot listen on port {port}: Address already in use"
        with pytest.raises(ConfigError, match=f"cannot listen on port {port}: Address already in use: -p NUMBER, or"):
            bind("", port, 5)


def test_a_socket_for_other_processes_takes_both_families_too() -> None:
    with bind("", 0, 5) as bound:
        port = bound.getsockname()[1]
        assert addresses_of(bound, True) == [f"wss://0.0.0.0:{port}", f"wss://[::]:{port}"]
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port), DEADLINE).close()
