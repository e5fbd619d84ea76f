"""Publications that a node loses on their way to it."""

from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.server import Server

KEPT = {"channels": {"*": {"history": 10}}}


class Follow(WebSocketConnectFilter):
    """Comes back from the position that the client names."""

    @classmethod
    async def filter(cls, web_socket_instance, data):
        await web_socket_instance.subscribe("news", last=10)


class Join(WebSocketConnectFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        return web_socket_instance.subscribe("news")


class Say(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance, data):
        web_socket_instance.publish("news", data)


def test_what_is_lost_reaches_nobody_and_what_follows_does():
    with Server(Join, Say) as server:
        a, b = server.connect(), server.connect()
        server.drop_next("news", 2)
        for each in ("one", "two", "three"):
            a.send(each)
        assert a.received() == b.received() == ["three"]


def test_who_relies_on_positions_is_told_with_the_next_and_finds_all_when_it_comes_back():
    with Server(Follow, Say, **KEPT) as server:
        client, speaker = server.connect(), server.connect()
        server.drop_next("news")
        speaker.send("one")
        assert client.is_open
        assert client.received() == []
        speaker.connection.pipeline.publish("news", "two")
        assert client.close_code == 1013
        assert server.connect().received() == ["one", "two"]


def test_it_is_lost_for_one_node_and_one_pipeline_only():
    storage = StorageObject()
    pipelines = {"/": [Join, Say], "/named": [Join, Say]}
    with Server(storage_object=storage, pipelines=pipelines) as one:
        client, other = one.connect("/named"), one.connect("/")
        one.drop_next("news", path="/named")
        for each in (client, other):
            each.send("x")
        assert (client.received(), other.received()) == ([], ["x"])
        client.send("y")
        assert client.received() == ["y"]
