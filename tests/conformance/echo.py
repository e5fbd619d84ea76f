"""What the test suite asks of a server: every message goes back as it came."""

from typing import Any

from filtered_websocket.filters.base import WebSocketMessageFilter


class Echo(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection: Any, data: bytearray) -> None:
        connection.sendMessage(data)
