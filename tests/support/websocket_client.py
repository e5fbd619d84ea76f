"""PyPI's `websockets`, with a deadline for whatever it waits for."""

import socket
from contextlib import suppress
from typing import Any

from websockets.sync import client

from tests.support.raw_client import DEADLINE


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
    given = {"open_timeout": DEADLINE, "close_timeout": DEADLINE, "create_connection": ClientConnection} | options
    made = client.connect(url, **given)
    assert isinstance(made, ClientConnection)
    return made
