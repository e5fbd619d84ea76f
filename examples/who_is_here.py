"""A chat whose clients are told which users are here: clients say their names in the URL, ws://localhost:9000/?name=ann.

A name is believed here. Where it matters, take it from a token that was checked.

fws_server -f who_is_here
"""

from filtered_websocket import Connection, Request
from filtered_websocket.filters import broadcast_messages, presence
from filtered_websocket.filters.base import WebSocketHandshakeFilter

__all__ = ["broadcast_messages", "presence"]  # whose filters come with these


class TakeName(WebSocketHandshakeFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: Request) -> None:
        web_socket_instance.user = data.params.get("name", [None])[0]
