from filtered_websocket.filters.base import WebSocketMessageFilter


class ChatServer(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        for user in web_socket_instance.users.values():
            if user.id != web_socket_instance.id:
                user.sendMessage(data)
