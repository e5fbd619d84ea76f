"""Connections whose messages look otherwise: what is encoded for them, and what is sent as it is."""

from collections.abc import Sequence
from typing import Any

import pytest

from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketHandshakeFilter
from filtered_websocket.messages.message import Message
from filtered_websocket.testing.server import Server


class Shouting:
    def __init__(self) -> None:
        self.encoded: list[str | None] = []

    def encode(self, messages: Sequence[Message], channel: str | None) -> Sequence[Message]:
        self.encoded.append(channel)
        return [(payload.upper(), binary) for payload, binary in messages]


SHOUTING = Shouting()


class Choose(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> None:
        if data.path == "/shout":
            web_socket_instance.encoding = SHOUTING


class Come(WebSocketConnectFilter):
    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> Any:
        return web_socket_instance.subscribe("all")


@pytest.mark.parametrize("compression", [False, True])
def test_what_is_sent_and_published_is_encoded_for_those_alone(compression: bool) -> None:
    with Server(Choose, Come, compression=compression) as server:
        loud, quiet, other = server.connect("/shout"), server.connect("/"), server.connect("/shout")
        SHOUTING.encoded.clear()
        server.pipeline().publish("all", ["one", "two"])
        for user in server.pipeline().users.values():
            user.sendMessage("three")
        assert loud.received() == other.received() == ["ONE", "TWO", "THREE"]
        assert quiet.received() == ["one", "two", "three"]
        assert sorted(map(str, SHOUTING.encoded)) == ["None", "None", "all"]


def test_whoever_is_excluded_gets_the_rest_encoded() -> None:
    with Server(Choose, Come) as server:
        clients = [server.connect("/shout") for _ in range(3)]
        users = list(server.pipeline().users.values())
        SHOUTING.encoded.clear()
        for number, user in enumerate(users):
            user.publish("all", f"from {number}", exclude=user.id)
        texts = ["FROM 0", "FROM 1", "FROM 2"]
        assert [each.received() for each in clients] == [
            [text for place, text in enumerate(texts) if place != number] for number in range(3)
        ]
        assert len(SHOUTING.encoded) == 3


def test_what_is_encoded_already_is_sent_as_it_is_behind_what_was_published() -> None:
    with Server(Choose, Come) as server:
        client = server.connect("/shout")
        (user,) = server.pipeline().users.values()
        connection: Any = user
        connection.publish("all", "first")
        connection.send_encoded(((b"second", False), (b"third", True)))
        connection.send_together(((b"fourth", False), (b"fifth", False)))
        assert client.received() == ["FIRST", "second", b"third", "fourth", "fifth"]


def test_what_is_sent_to_a_connection_that_has_ended_is_counted() -> None:
    with Server(Choose, Come) as server:
        client = server.connect("/shout")
        (connection,) = server.pipeline().users.values()
        client.abort()
        server.settle()
        connection.send_encoded(((b"one", False), (b"two", False)))
        connection.send_together(((b"three", False),))
        connection.sendMessage("four")
        assert server.server.counters.totals["dropped", "sent to a closed connection"] == 3
