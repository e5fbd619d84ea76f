"""JSON alone goes on (RFC 8259): a client that sends any other text, or a binary message, is closed with 1007."""

from filtered_websocket.chain.speech import said
from filtered_websocket.errors import Close
from filtered_websocket.filters.base import Connection, WebSocketMessageFilter

INVALID = 1007
"""RFC 6455, section 7.4.1: data that is not consistent with the type of the message."""

ASKS = "messages"


class OnlyJSON(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytes | bytearray | str) -> None:
        try:
            said(web_socket_instance, data)
        except ValueError:
            raise Close(INVALID, "JSON is wanted") from None
