"""PyPI's `websockets`, with a deadline for whatever it waits for."""

import select
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from websockets.sync import client

from tests.support.raw_client import DEADLINE

T = TypeVar("T")


class OneAtATime(ssl.SSLSocket):
    """A TLS connection that one thread uses at a time.

    The client reads in one thread and writes in another, which OpenSSL does not bear: once in 3,000 connections,
    whatever the server, the request got lost that went out while session tickets came in.
    """

    _lock: threading.Lock

    def __new__(cls, *given: Any, **named: Any) -> "OneAtATime":
        made = super().__new__(cls, *given, **named)
        made._lock = threading.Lock()
        return made

    def read(self, *given: Any) -> Any:
        return self._alone(super().read, *given)

    def send(self, *given: Any) -> int:
        return self._alone(super().send, *given)

    def _alone(self, call: Callable[..., T], *given: Any) -> T:
        while True:
            with self._lock:
                timeout = self.gettimeout()
                self.setblocking(False)
                try:
                    return call(*given)
                except ssl.SSLWantReadError:
                    event = select.POLLIN
                except ssl.SSLWantWriteError:
                    event = select.POLLOUT
                finally:
                    self.settimeout(timeout)
            waiting = select.poll()
            waiting.register(self, event)
            if not waiting.poll(None if timeout is None else 1000 * timeout):
                raise TimeoutError("the TLS connection is not ready")


class ClientConnection(client.ClientConnection):
    """Its end waits for the thread that reads, and that may be within a TLS record of which the rest never comes: then
    for as long as the peer lets the connection be."""

    def close_socket(self) -> None:
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        super().close_socket()


def connect(url: str, **options: Any) -> ClientConnection:
    """Open a connection.

    :param options: as `websockets.sync.client.connect` has them
    """
    if isinstance(context := options.get("ssl"), ssl.SSLContext):
        context.sslsocket_class = OneAtATime
    given = {"open_timeout": DEADLINE, "close_timeout": DEADLINE, "create_connection": ClientConnection} | options
    made = client.connect(url, **given)
    assert isinstance(made, ClientConnection)
    return made
