import json

import pytest

from filtered_websocket.filters.base import WebSocketConsumerFilter
from filtered_websocket.filters.centrifugo import state
from filtered_websocket.testing.client import Refused
from tests.filters.centrifugo.clients import PATH, Speaking, connected, serving


def test_what_other_filters_publish_reaches_clients():
    with serving() as server:
        client = connected(server)
        client.subscribe("open:a")
        server.pipeline().publish("open:a", '{"from": "a filter"}')
        server.pipeline().publish("open:a", "no json")
        assert client.data() == [{"from": "a filter"}, "no json"]


def test_a_consumer_filter_behind_the_pack_may_drop_a_publication():
    class Drop(WebSocketConsumerFilter):
        @classmethod
        def filter(cls, pipeline, data):
            if b"drop" in getattr(data, "payload", b""):
                from filtered_websocket.errors import StopChain

                raise StopChain

    with serving(Drop) as server:
        client = connected(server)
        client.subscribe("kept:a")
        for word in ("one", "drop", "three"):
            client.publish("kept:a", word)
        assert [each["pub"]["offset"] for each in client.pushed()] == [1, 3]


def test_what_is_no_json_ends_the_clients_of_json_that_get_it():
    with serving() as server:
        client, other = connected(server), connected(server)
        client.subscribe("open:a")
        other.subscribe("open:b")
        server.pipeline().publish("open:a", b"\xff\x00")
        assert client.closed == (3506, "inappropriate protocol")
        assert other.closed == (None, None)


def test_json_and_protobuf_clients_get_the_same():
    with serving() as server:
        client = connected(server)
        client.subscribe("kept:a")
        wire = server.connect(PATH, protocols=["centrifuge-protobuf"])
        wire.send(b'\x04\x08\x01"\x00')
        wire.send(b"\x0c\x08\x02*\x08\x0a\x06kept:a")
        wire.received()
        client.publish("kept:a", {"n": 1})
        (push,) = client.pushed()
        assert push["pub"]["offset"] == 1
        (frame,) = wire.received()
        assert b'{"n": 1}' in frame


def test_the_subprotocol_that_is_known_is_echoed():
    with serving() as server:
        assert server.connect(PATH, protocols=["x", "centrifuge-json"]).protocol == "centrifuge-json"
        assert server.connect(PATH, protocols=["x"]).protocol is None


def test_protobuf_that_is_not_installed_is_refused(monkeypatch):
    monkeypatch.delitem(state.CODECS, "protobuf")
    with serving() as server:
        with pytest.raises(Refused) as refused:
            server.connect(f"{PATH}?format=protobuf")
        assert refused.value.status == 400
        assert b"filtered_websocket[protobuf]" in refused.value.body
        assert connected(server).result["client"]


def test_text_and_binary_frames_are_taken_alike():
    with serving() as server:
        client = Speaking(server)
        client.wire.send(json.dumps({"id": 1, "connect": {}}).encode())
        (answer,) = client.hear()
        assert answer["id"] == 1
