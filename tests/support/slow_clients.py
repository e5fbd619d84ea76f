"""Clients that read slowly, and what is published to them."""

import itertools
import socket
from typing import Any

from filtered_websocket.filters.base import WebSocketConnectFilter
from tests.support.raw_client import RawClient
from tests.support.reactor_thread import call, until
from tests.support.serving import Served

MESSAGE = 4000
ROOM = 64 * 1024


class Join(WebSocketConnectFilter):
    """Everybody hears two channels. The kernel takes little for a client, so that its slowness shows."""

    @classmethod
    def filter(cls, connection: Any, data: None) -> None:
        connection.stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        connection.subscribe("news")
        connection.subscribe("sports")


def payload(number: int) -> str:
    return f"{number:06}".ljust(MESSAGE, ".")


def number_of(text: str) -> int:
    return int(text[:6])


def slow(served: Served) -> tuple[RawClient, Any]:
    """A client that does not read, and its connection."""
    known = call(lambda: set(served.users))
    client = served.client(receive_buffer=4096).open()
    until(lambda: set(served.users) - known)
    (name,) = call(lambda: set(served.users) - known)
    return client, served.users[name]


def publish(served: Served, numbers: Any, channel: str = "news") -> None:
    """Each in a turn of its own."""
    for number in numbers:
        call(served.server.pipelines[0].publish, channel, payload(number))


def fill(served: Served, connection: Any) -> int:
    """Publish until the kernel refuses; how many that were."""
    for number in itertools.count():
        publish(served, [number])
        if call(lambda: connection.slow is not None):
            return number + 1
    raise AssertionError


def options(policy: str, **more: Any) -> dict[str, Any]:
    return {"slow_client": policy, "send_buffer": ROOM, "send_timeout": 600, "ping_interval": 0, **more}
