"""Each message goes to all other clients of the pipeline."""

import pytest

from filtered_websocket.errors import StopChain
from filtered_websocket.filters.base import WebSocketMessageFilter
from filtered_websocket.storage_objects.base import DONE
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.server import Server

BROADCAST = "filtered_websocket.filters.broadcast_messages"


def test_a_message_goes_to_everybody_but_its_sender():
    with Server(BROADCAST) as server:
        a, b, c = (server.connect() for _ in range(3))
        a.send("hi")
        b.send("hello")
        assert [each.received() for each in (a, b, c)] == [["hello"], ["hi"], ["hi", "hello"]]


@pytest.mark.parametrize("payload", ["text", "", "ä€😀", b"binary", b"\xff\x00", b"", "x" * 70_000])
def test_text_stays_text_and_binary_stays_binary(payload):
    with Server(BROADCAST) as server:
        a, b = server.connect(), server.connect()
        a.send(payload)
        assert b.received() == [payload]


def test_clients_that_have_gone_or_not_yet_come_get_nothing():
    with Server(BROADCAST) as server:
        a, gone = server.connect(), server.connect()
        gone.close()
        a.send("1")
        late = server.connect()
        a.send("2")
        assert late.received() == ["2"]


def test_pipelines_are_crowds_of_their_own():
    with Server(BROADCAST, pipelines={"/x": [BROADCAST]}) as server:
        here, also_here, there = server.connect(), server.connect("/elsewhere"), server.connect("/x")
        here.send("hi")
        assert (also_here.received(), there.received()) == (["hi"], [])


def test_filters_before_it_rewrite_and_withhold():
    class Moderates(WebSocketMessageFilter):
        @classmethod
        def filter(cls, web_socket_instance, data):
            if b"spam" in data:
                raise StopChain
            return data.decode().upper()

    with Server(Moderates, BROADCAST) as server:
        a, b = server.connect(), server.connect()
        for text in ("hi", "spam", "ho"):
            a.send(text)
        assert b.received() == ["HI", "HO"]


def test_two_nodes_of_one_storage_object_are_one_crowd():
    class Both(StorageObject):
        """One storage object with two consumers."""

        consumers = ()

        def start(self, consumer):
            self.consumers = (*self.consumers, consumer)
            return super().start(self)

        def consume(self, publication):
            for each in self.consumers:
                each.consume(publication)

        def stop(self):
            return DONE  # it serves the other node still

    storage = Both()
    with Server(BROADCAST, storage_object=storage) as one, Server(BROADCAST, storage_object=storage) as other:
        a, b, c = one.connect(), one.connect(), other.connect()
        a.send("hi")
        assert (a.received(), b.received(), c.received()) == ([], ["hi"], ["hi"])
