"""Print each item of the consumer chain: ``--PUBSUB--``, then the item."""

from typing import Any

from filtered_websocket.filters.base import Pipeline, WebSocketConsumerFilter
from filtered_websocket.filters.stdout import show


class StdoutPubSub(WebSocketConsumerFilter):
    """Prints and changes nothing."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: Any) -> None:
        show("PUBSUB", data)
