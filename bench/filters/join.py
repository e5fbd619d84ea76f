"""/join/c1/c2: the client is in these channels. The first word of what it sends is the channel the message goes to."""

from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketConsumerFilter, WebSocketMessageFilter


class Join(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection):
        for channel in connection.request.path.split("/")[2:]:
            connection.subscribe(channel)


class Publish(WebSocketMessageFilter):
    @classmethod
    def filter(cls, connection, data):
        connection.publish(data.partition(b" ")[0].decode(), data)


class Count(WebSocketConsumerFilter):
    """So that every publication passes a filter on its way out too."""

    items = 0

    @classmethod
    def filter(cls, web_socket_instance, data):
        cls.items += 1
