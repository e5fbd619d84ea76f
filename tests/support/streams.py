"""A reactor turned by hand, and what its connections hear."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet import protocol

from filtered_websocket.transport.ports import TCPPort
from filtered_websocket.transport.reactor import LeanEPollReactor
from tests.support.raw_client import DEADLINE


class Server(protocol.Protocol):
    """Notes what it hears, in the order it hears it."""

    transport: Any

    def __init__(self) -> None:
        self.received = b""
        self.lost: Any = None
        self.victim: Any = None
        self.told: list[str] = []

    def connectionMade(self) -> None:
        self.transport.watcher = self

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if data == b"raise":
            raise RuntimeError("a protocol that fails")
        if data == b"abort":
            self.victim.abortConnection()

    def connectionLost(self, reason: Any = None) -> None:
        self.lost = reason

    def transport_blocked(self) -> None:
        self.told.append("blocked")

    def transport_drained(self) -> None:
        self.told.append("drained")

    def transport_ended(self) -> None:
        self.told.append("ended")


class Factory(protocol.Factory):
    protocol = Server
    noisy = False

    def __init__(self) -> None:
        self.made: list[Any] = []

    def buildProtocol(self, address: Any) -> Any:
        self.made.append(Server())
        return self.made[-1]


def turn_until(reactor: LeanEPollReactor, predicate: Any) -> None:
    import time

    end = time.monotonic() + DEADLINE
    while not predicate():
        assert time.monotonic() < end, "not so within the deadline"
        reactor.iterate(0.01)


@contextmanager
def another(reactor: LeanEPollReactor) -> Iterator[tuple[Server, socket.socket]]:
    """One more connection to the port of `pair`."""
    (port,) = [each for each in reactor.getReaders() if isinstance(each, TCPPort)]
    made = port.factory.made
    known = len(made)
    with socket.create_connection(("127.0.0.1", port.getHost().port), DEADLINE) as client:
        turn_until(reactor, lambda: len(made) > known)
        yield made[known], client


def fill(server: Server) -> bytes:
    """Write until the kernel refuses; what was written."""
    server.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    written = b""
    while not server.transport.blocked:
        chunk = str(len(written)).encode().ljust(10_000, b".")
        server.transport.write(chunk)
        written += chunk
    return written


def drain(reactor: LeanEPollReactor, client: socket.socket, size: int) -> bytes:
    """Read this much while the reactor turns."""
    got = b""
    client.setblocking(False)

    def enough() -> bool:
        nonlocal got
        try:
            got += client.recv(65536)
        except BlockingIOError:
            pass
        return len(got) >= size

    turn_until(reactor, enough)
    return got


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


def until_gone(reactor: LeanEPollReactor, server: Server) -> None:
    """Wait for the end of a connection; nothing of it, and no timer, may be left."""
    turn_until(reactor, lambda: not server.transport.connected)
    assert port_of(server).lingering == 0
    assert reactor.getDelayedCalls() == []
