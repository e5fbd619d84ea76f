"""Text alone goes on: a client that sends a binary message is closed with 1003."""

from typing import Any

from filtered_websocket.errors import Close
from filtered_websocket.filters.base import Connection, WebSocketMessageFilter
from filtered_websocket.messages.message import came_binary

UNSUPPORTED = 1003
"""RFC 6455, section 7.4.1: a type of data that cannot be accepted."""

ASKS = "messages"


class OnlyText(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: Any) -> None:
        if came_binary(data):
            raise Close(UNSUPPORTED, "text is wanted")
