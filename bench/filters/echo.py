"""What a client sends comes back to it."""

from filtered_websocket.filters.base import WebSocketMessageFilter


class Echo(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        web_socket_instance.sendMessage(data)
