"""Text goes on, binary messages close."""

from filtered_websocket.testing.server import Server
from tests.support.small_filters import Echo

ONLY_TEXT = "filtered_websocket.filters.only_text"


def test_text_goes_on_and_what_is_binary_closes():
    with Server(ONLY_TEXT, Echo) as server:
        client = server.connect()
        client.send("a")
        client.send("")
        assert client.received() == ["a", ""]
        client.send(b"a")
        assert (client.close_code, client.close_reason) == (1003, "text is wanted")
