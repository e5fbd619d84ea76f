"""JSON alone goes on (RFC 8259): a client that sends any other text, or a binary message, is closed with 1007."""

from filtered_websocket.errors import Close
from filtered_websocket.filters.base import Connection, WebSocketMessageFilter
from filtered_websocket.messages.message import came_binary
from filtered_websocket.messages.strict_json import loads

INVALID = 1007
"""RFC 6455, section 7.4.1: data that is not consistent with the type of the message."""


class OnlyJSON(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytes | bytearray | str) -> None:
        if came_binary(data):
            raise Close(INVALID, "JSON is wanted")
        try:
            loads(data)
        except ValueError:
            raise Close(INVALID, "JSON is wanted") from None
