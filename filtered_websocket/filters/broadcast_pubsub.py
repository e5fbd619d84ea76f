"""Each bus message's data goes to all clients of this server: ``redis-cli publish global hi`` reaches everybody."""

from typing import Any

from filtered_websocket.filters.base import Connection, Pipeline, WebSocketConnectFilter, WebSocketConsumerFilter

CHANNEL = "broadcast_pubsub"


class Listen(WebSocketConnectFilter):
    """Each client that connects hears the bus."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: None) -> Any:
        return web_socket_instance.subscribe(CHANNEL)


class BroadcastPubSub(WebSocketConsumerFilter):
    """To all clients of this server; a publication is no bus message and takes its own way."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: Any) -> None:
        if isinstance(data, dict) and isinstance(data.get("data"), (str, bytes, bytearray)):
            web_socket_instance.broadcast(CHANNEL, data["data"])
