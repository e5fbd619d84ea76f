"""Print the bytes received, the handshake included: ``--RAWDATA--``, then the data."""

from filtered_websocket.filters.base import Connection, WebSocketDataFilter
from filtered_websocket.filters.stdout import show


class StdoutRawData(WebSocketDataFilter):
    """Prints and changes nothing."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytes) -> None:
        show("RAWDATA", data.decode("utf-8", "backslashreplace"))
