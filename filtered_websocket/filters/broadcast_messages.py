"""Each message goes to all other clients of the pipeline, of all workers and nodes where storage is shared."""

from typing import Any

from filtered_websocket.filters.base import Connection, WebSocketConnectFilter, WebSocketMessageFilter

CHANNEL = "broadcast_messages"

ACTS = True


class Join(WebSocketConnectFilter):
    """Each client that connects is part of the crowd."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: None) -> Any:
        return web_socket_instance.subscribe(CHANNEL)


class BroadcastMessages(WebSocketMessageFilter):
    """To everybody but the sender."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytearray | str) -> None:
        web_socket_instance.publish(CHANNEL, data, exclude=web_socket_instance.id)
