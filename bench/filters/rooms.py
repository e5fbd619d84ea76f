"""The path is the channel: a client that connects subscribes to it, and what it sends is published there."""

from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketConsumerFilter, WebSocketMessageFilter


class Join(WebSocketConnectFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        web_socket_instance.subscribe(web_socket_instance.request.path)


class Publish(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        web_socket_instance.publish(web_socket_instance.request.path, data)


class Count(WebSocketConsumerFilter):
    """So that every publication passes a filter on its way out too."""

    items = 0

    @classmethod
    def filter(cls, web_socket_instance, data):
        cls.items += 1
