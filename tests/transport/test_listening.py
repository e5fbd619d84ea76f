import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import protocol

from filtered_websocket.errors import ConfigError
from filtered_websocket.transport.addresses import address_of, addresses_of
from filtered_websocket.transport.listening import bind, listen
from tests.support.raw_client import DEADLINE
from tests.support.reactor_thread import call


class Hello(protocol.Protocol):
    def connectionMade(self) -> None:
        self.transport.write(b"hello")  # type: ignore[union-attr]
        self.transport.loseConnection()  # type: ignore[union-attr]


class Factory(protocol.Factory):
    protocol = Hello
    noisy = False


@contextmanager
def listening(host: str, port: int = 0) -> Iterator[Any]:
    from twisted.internet import reactor

    opened = call(listen, Factory(), host, port, 50, reactor)
    try:
        yield opened
    finally:
        call(opened.stopListening)


def fault(host: str, port: int = 0) -> str:
    with pytest.raises(ConfigError) as caught, listening(host, port):
        pass
    (line,) = caught.value.faults
    assert "\n" not in line
    return line


def greeting(address: Any) -> bytes:
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(DEADLINE)
        client.connect(address)
        return client.recv(100)


def test_an_address_and_a_port_that_is_free() -> None:
    with listening("127.0.0.1") as opened:
        port = opened.getHost().port
        assert greeting(("127.0.0.1", port)) == b"hello"
        assert address_of(opened, False) == f"ws://127.0.0.1:{port}"
        assert address_of(opened, True) == f"wss://127.0.0.1:{port}"


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
        with pytest.raises(ConfigError, match=f"cannot listen on port {port}: Address already in use"):
            bind("", port, 5)


def test_a_socket_for_other_processes_takes_both_families_too() -> None:
    with bind("", 0, 5) as bound:
        port = bound.getsockname()[1]
        assert addresses_of(bound, True) == [f"wss://0.0.0.0:{port}", f"wss://[::]:{port}"]
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port), DEADLINE).close()


def test_ipv6() -> None:
    with listening("::1") as opened:
        port = opened.getHost().port
        assert greeting(("::1", port)) == b"hello"
        assert address_of(opened, False) == f"ws://[::1]:{port}"


def link_local() -> str:
    """An address of this machine that is one only with its scope."""
    interfaces = Path("/proc/net/if_inet6")
    for line in interfaces.read_text().splitlines() if interfaces.exists() else ():
        digits, *_, name = line.split()
        if digits.startswith("fe80"):
            return f"{':'.join(re.findall('....', digits))}%{name}"
    pytest.skip("NO LINK-LOCAL ADDRESS here, so none with a scope is tried")


def test_an_address_with_a_scope_is_listened_on_by_one_process_and_for_several() -> None:
    host = link_local()
    with listening(host) as opened, socket.create_connection((host, opened.getHost().port), DEADLINE) as client:
        assert client.recv(100) == b"hello"
    with bind(host, 0, 5) as bound:
        socket.create_connection((host, bound.getsockname()[1]), DEADLINE).close()


def test_a_port_in_use_says_so_in_one_line() -> None:
    with listening("127.0.0.1") as opened:
        port = opened.getHost().port
        assert fault("127.0.0.1", port) == f"cannot listen on port {port} of 127.0.0.1: Address already in use"


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "300.1.1.1"])
def test_an_address_that_is_not_here_says_so_in_one_line(host: str) -> None:
    assert fault(host, 0).startswith(f"cannot listen on port 0 of {host}: ")


def test_a_unix_socket_is_for_everybody_and_goes_with_the_server(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with listening(f"unix:{path}") as opened:
        assert greeting(path) == b"hello"
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o666
        assert address_of(opened, False) == f"ws+unix:{path}"
    assert not os.path.exists(path)


def test_a_unix_socket_that_a_killed_server_left_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
        left.listen()
    with listening(f"unix:{path}"):
        assert greeting(path) == b"hello"


def test_a_unix_socket_that_is_listened_on_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with listening(f"unix:{path}"):
        assert fault(f"unix:{path}") == f"cannot listen on unix:{path}: Address already in use"
        assert greeting(path) == b"hello"


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("precious")
    assert fault(f"unix:{path}") == f"cannot listen on unix:{path}: Address already in use"
    assert path.read_text() == "precious"


def test_a_unix_socket_where_none_can_be_says_so(tmp_path: Path) -> None:
    assert fault(f"unix:{tmp_path}/none/socket").startswith(f"cannot listen on unix:{tmp_path}/none/socket: ")
    assert fault(f"unix:/{'x' * 200}").startswith("cannot listen on unix:/xxx")


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6, socket.AF_UNIX])
def test_an_inherited_socket_is_listened_on(family: int, tmp_path: Path) -> None:
    address: Any = str(tmp_path / "socket")
    if family != socket.AF_UNIX:
        address = ("127.0.0.1" if family == socket.AF_INET else "::1", 0)
    with socket.socket(family) as inherited:
        inherited.bind(address)
        inherited.listen()
        with listening(f"fd:{inherited.fileno()}"):
            assert greeting(inherited.getsockname()[:2] if family != socket.AF_UNIX else address) == b"hello"


@pytest.mark.parametrize("host", ["fd:", "fd:x", "fd:99999", "fd:-1"])
def test_what_is_no_inherited_socket_is_named(host: str) -> None:
    assert fault(host) == f"{host} is no inherited socket"


def test_an_inherited_file_or_a_socket_that_does_not_listen_is_named(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w") as file:
        assert fault(f"fd:{file.fileno()}") == f"fd:{file.fileno()} is no inherited socket"
    with socket.socket() as idle:
        assert fault(f"fd:{idle.fileno()}") == f"fd:{idle.fileno()} is a socket, but not one that listens"
