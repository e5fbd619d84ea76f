"""Ports of ours that greet, and what is said where none can be opened."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import protocol

from filtered_websocket.errors import ConfigError
from filtered_websocket.transport.listening import listen
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


def link_local() -> str:
    """An address of this machine that is one only with its scope."""
    interfaces = Path("/proc/net/if_inet6")
    for line in interfaces.read_text().splitlines() if interfaces.exists() else ():
        digits, *_, name = line.split()
        if digits.startswith("fe80"):
            return f"{':'.join(re.findall('....', digits))}%{name}"
    pytest.skip("NO LINK-LOCAL ADDRESS here, so none with a scope is tried")
