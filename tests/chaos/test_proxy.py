"""What `UnreliableProxy` does to connections, besides cutting them."""

import socket
from collections.abc import Iterator

import pytest

from tests.support.raw_client import DEADLINE
from tests.support.unreliable_proxy import TO_CLIENT, TO_SERVER, UnreliableProxy

SHORT = 0.2
"""Seconds in which what could pass would have: a slow machine makes a fault pass, never a good proxy fail."""


class Ends:
    """A client and a server that have each other through a proxy."""

    def __init__(self, listener: socket.socket, proxy: UnreliableProxy) -> None:
        self.proxy = proxy
        self.client = socket.create_connection(("127.0.0.1", proxy.port), DEADLINE)
        self.server, _ = listener.accept()
        self.server.settimeout(DEADLINE)

    def close(self) -> None:
        self.client.close()
        self.server.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        with UnreliableProxy(listener.getsockname()[1]) as proxy:
            made = Ends(listener, proxy)
            yield made
            made.close()


def silent(reader: socket.socket) -> bool:
    reader.settimeout(SHORT)
    try:
        return not reader.recv(1)
    except TimeoutError:
        return True
    finally:
        reader.settimeout(DEADLINE)


def ended(reader: socket.socket) -> bool:
    try:
        return not reader.recv(10)
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("ways", [(), (TO_SERVER,), (TO_CLIENT,)])
def test_what_is_frozen_comes_when_it_is_mended(ends: Ends, ways: tuple[str, ...]) -> None:
    ends.proxy.freeze(*ways)
    ends.client.sendall(b"up")
    ends.server.sendall(b"down")
    for way, reader, word in ((TO_SERVER, ends.server, b"up"), (TO_CLIENT, ends.client, b"down")):
        if not ways or way in ways:
            assert silent(reader)
        else:
            assert reader.recv(10) == word
    ends.proxy.mend()
    for way, reader, word in ((TO_SERVER, ends.server, b"up"), (TO_CLIENT, ends.client, b"down")):
        if not ways or way in ways:
            assert reader.recv(10) == word


def test_what_is_halved_ends_within_the_message(ends: Ends) -> None:
    ends.proxy.halve()
    ends.server.sendall(b"12345678")
    assert ends.client.recv(10) == b"1234"
    assert ended(ends.client)


def test_what_is_late_comes_later(ends: Ends) -> None:
    ends.proxy.delay(1.0)
    ends.client.sendall(b"late")
    assert silent(ends.server)
    assert ends.server.recv(10) == b"late"


def test_a_proxy_ends_what_is_frozen(ends: Ends) -> None:
    ends.proxy.freeze()
    ends.client.sendall(b"never")
    assert silent(ends.server)
    ends.proxy.cut()
    assert ended(ends.server)
