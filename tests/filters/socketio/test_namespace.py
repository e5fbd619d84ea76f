"""The way in from outside handlers."""

from collections.abc import Callable
from typing import Any

from filtered_websocket.filters.base import WebSocketConnectFilter
from filtered_websocket.filters.socketio import namespace
from filtered_websocket.testing.server import Server
from tests.filters.socketio.clients import Chat, client


def test_a_filter_of_the_connection_emits_to_a_namespace(serve: Callable[..., Server]) -> None:
    class Tell(WebSocketConnectFilter):
        @classmethod
        def filter(cls, web_socket_instance: Any, data: None) -> None:
            namespace(web_socket_instance.pipeline, "/chat").emit("another")

    server = serve(Chat, Tell)
    first = client(server, "/chat")
    client(server, "/chat")
    assert first.received() == ['42/chat,["another"]']
    assert namespace(server.pipeline(), "/chat").name == "/chat"
    assert namespace(server.pipeline()).name == "/"
