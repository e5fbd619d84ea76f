"""Each bus message's data goes to all clients of the pipeline."""

import pytest

from filtered_websocket.testing.server import Server

PUBSUB = "filtered_websocket.filters.broadcast_pubsub"


@pytest.mark.parametrize(
    ("data", "received"), [("hi", "hi"), (b"hi", "hi"), (b"\xff", b"\xff"), (bytearray(b"hi"), "hi"), (b"", "")]
)
def test_the_data_of_a_bus_message_goes_to_everybody(data, received):
    with Server(PUBSUB) as server:
        a, b = server.connect(), server.connect()
        server.put({"type": "message", "pattern": None, "channel": b"global", "data": data})
        assert a.received() == b.received() == [received]


@pytest.mark.parametrize("item", ["hi", b"hi", None, 7, {}, {"data": None}, {"data": 1}, {"type": "subscribe"}, []])
def test_whatever_else_is_put_into_the_queue_goes_nowhere(item):
    with Server(PUBSUB) as server:
        a = server.connect()
        server.put(item)
        assert a.received() == []


def test_what_other_programs_publish_on_a_channel_that_is_listened_to_goes_to_everybody():
    with Server(PUBSUB) as server:
        a = server.connect()
        server.result(server.storage_object.listen("global"))
        server.result(server.storage_object.publish("global", "hi"))
        server.result(server.storage_object.publish("other", "not this"))
        assert a.received() == ["hi"]


def test_a_publication_is_no_bus_message_and_takes_its_own_way():
    with Server(PUBSUB) as server:
        a, b = server.connect(), server.connect()
        a.connection.subscribe("room")
        server.pipeline().publish("room", "hi")
        assert (a.received(), b.received()) == (["hi"], [])
