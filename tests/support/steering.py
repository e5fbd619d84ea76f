"""Servers in memory whose connections are listed, ended and traced; and what their processes answer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from filtered_websocket.filters.base import WebSocketHandshakeFilter, WebSocketMessageFilter
from filtered_websocket.testing.server import Server
from tests.support.shared_memory import SharedMemory

NOTHING = {"pipeline": None, "user": None, "channel": None, "address": None}
LISTED = NOTHING | {"sort": "id", "limit": 100, "after": None}


class Named(WebSocketHandshakeFilter):
    """The parameter `user` says whose a connection is, `id` what it is called."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> None:
        web_socket_instance.user = data.params.get("user", [None])[0]
        if "id" in data.params:
            web_socket_instance.id = data.params["id"][0]


class Spread(WebSocketMessageFilter):
    """``+room`` joins, ``room text`` publishes."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray) -> Any:
        text = data.decode()
        if text[0] == "+":
            return web_socket_instance.subscribe(text[1:])
        room, _, text = text.partition(" ")
        web_socket_instance.publish(room, text)
        return text


@contextmanager
def nodes(count: int, *filters: Any, **options: Any) -> Iterator[list[Server]]:
    """Several processes that share a storage object."""
    storage = SharedMemory()
    made = [Server(*(filters or (Named, Spread)), storage_object=storage, **options) for _ in range(count)]
    entered: list[Server] = []
    try:
        for number, each in enumerate(made):
            each.server.cluster.name = f"node{number}"
            entered.append(each.__enter__())
        yield made
    finally:
        for each in reversed(entered):
            each.__exit__(None, None, None)


def ask(server: Server, what: str, values: Mapping[str, Any] = LISTED, seconds: float = 3.0) -> Any:
    """What all processes answer."""
    return server.result(server.server.cluster.ask(what, dict(values), seconds))
