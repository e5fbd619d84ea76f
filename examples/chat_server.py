from filtered_websocket import Connection
from filtered_websocket.filters.base import WebSocketMessageFilter


class ChatServer(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytearray) -> None:
        for user in web_socket_instance.users.values():
            if user.id != web_socket_instance.id:
                user.sendMessage(data)
