import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from filtered_websocket.transport.addresses import address_of
from filtered_websocket.transport.listening import bind
from tests.support.listening import fault, greeting, link_local, listening
from tests.support.raw_client import DEADLINE


def test_an_address_and_a_port_that_is_free() -> None:
    with listening("127.0.0.1") as opened:
        port = opened.getHost().port
        assert greeting(("127.0.0.1", port)) == b"hello"
        assert address_of(opened, False) == f"ws://127.0.0.1:{port}"
        assert address_of(opened, True) == f"wss://127.0.0.1:{port}"


def test_ipv6() -> None:
    with listening("::1") as opened:
        port = opened.getHost().port
        assert greeting(("::1", port)) == b"hello"
        assert address_of(opened, False) == f"ws://[::1]:{port}"


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
