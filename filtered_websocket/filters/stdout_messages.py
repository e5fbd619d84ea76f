"""Print each message: ``--MESSAGE--``, then the sender and the message."""

from filtered_websocket.filters.base import Connection, WebSocketMessageFilter
from filtered_websocket.filters.stdout import show


class StdoutMessages(WebSocketMessageFilter):
    """Prints and changes nothing."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytearray | str) -> None:
        text = data if isinstance(data, str) else data.decode(errors="replace")
        show("MESSAGE", f"{web_socket_instance.id} => {text}")
