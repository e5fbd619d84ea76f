"""Each item of the consumer chain is printed."""

from filtered_websocket.testing.server import Server

STDOUT = "filtered_websocket.filters.stdout_pubsub"


def test_bus_messages_and_publications_are_printed_and_go_on(capsys):
    item = {"type": "message", "pattern": None, "channel": b"global", "data": b"hi"}
    with Server(STDOUT) as server:
        client = server.connect()
        client.connection.subscribe("room")
        server.put(item)
        server.pipeline().publish("room", "hello")
        assert client.received() == ["hello"]
    assert capsys.readouterr().out == (
        f"--PUBSUB--\n{item}\n--PUBSUB--\nPublication('room', ((b'hello', False),), (), None)\n"
    )
