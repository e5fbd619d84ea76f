"""A moderated chat: spam stops here, shouting is turned down, the rest goes on to broadcast_messages.

fws_server -f moderated_chat filtered_websocket.filters.broadcast_messages
"""

from filtered_websocket import Connection
from filtered_websocket.errors import StopChain
from filtered_websocket.filters.base import WebSocketMessageFilter


class NoSpam(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytearray) -> None:
        if b"http://" in data or b"https://" in data:
            web_socket_instance.sendMessage("no links, please")
            raise StopChain


class CalmDown(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytearray) -> bytes | None:
        text = data.decode()
        if text.isupper():
            return text.capitalize().encode()  # what a filter returns goes on in the place of what it got
        return None
