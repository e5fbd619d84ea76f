"""The bytes between client and server."""

from filtered_websocket.filters.base import WebSocketDataFilter
from filtered_websocket.testing.server import Server
from tests.support.small_filters import BROADCAST

seen = []


class See(WebSocketDataFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        seen.append(data)


def test_garbage_on_the_wire_is_a_protocol_error_of_that_client_only():
    with Server(BROADCAST) as server:
        bad, good, witness = server.connect(), server.connect(), server.connect()
        bad.write(b"\xff\xff garbage")
        assert bad.close_code == 1002
        good.send("hi")
        assert witness.received() == ["hi"]


def test_data_filters_see_the_bytes_of_the_wire():
    seen.clear()
    with Server(See) as server:
        client = server.connect("/here")
        assert seen[0].startswith(b"GET /here HTTP/1.1\r\n")
        client.send("x")
        assert seen[-1][0] == 0x81


def test_compression_is_spoken_when_both_want_it():
    with Server(BROADCAST, compression=True) as server:
        a, b, plain = server.connect(compression=True), server.connect(compression=True), server.connect()
        a.send("hello " * 100)
        assert b.received() == plain.received() == ["hello " * 100]
        assert "permessage-deflate" in b.response_headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in plain.response_headers
