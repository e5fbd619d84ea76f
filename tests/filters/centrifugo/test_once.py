from types import SimpleNamespace

import pytest

from filtered_websocket.chain.deferreds import start
from filtered_websocket.errors import StorageAway
from filtered_websocket.filters.centrifugo import once
from filtered_websocket.filters.centrifugo.envelope import Envelope, pack
from filtered_websocket.filters.centrifugo.state import State
from filtered_websocket.storage_objects import records
from tests.filters.centrifugo.clients import connected
from tests.filters.centrifugo.requests import call, with_api


def test_a_key_publishes_once_in_each_channel():
    with with_api() as server:
        client = connected(server)
        client.subscribe("open:a")
        client.subscribe("kept:a")
        for channel in ("open:a", "kept:a"):
            first = call(server, "publish", channel=channel, data=1, idempotency_key="k")
            again = call(server, "publish", channel=channel, data=2, idempotency_key="k")
            assert first == again
            assert call(server, "broadcast", channels=[channel], data=3, idempotency_key="k") == {
                "responses": [{"result": first}]
            }
        assert client.data() == [1, 1]
        record = server.result(server.storage_object.load("centrifugo once 6 open:a k"))
        assert record.owner == "done"


def test_no_key_is_taken_for_one_of_another_channel_or_for_a_version():
    with with_api() as server:
        for channel, key in (("kept:a b", "c"), ("kept:a", "b c")):
            found = call(server, "publish", channel=channel, data=key, idempotency_key=key)
            assert found["offset"] == 1
            assert call(server, "history", channel=channel, limit=5)["publications"][0]["data"] == key
        assert call(server, "publish", channel="kept:v", data=1, version=3)["offset"] == 1
        assert call(server, "publish", channel="kept:v", data=2, idempotency_key="version :3")["offset"] == 2


def test_a_key_whose_node_has_died_before_it_published_is_free_again(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(records, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with with_api() as server:
        state = State.of(server.pipeline())
        server.result(state.storage.store("centrifugo once 6 kept:a k", "", once.CLAIM_SECONDS, "claimed"))
        answer = once.publish_once(state, "kept:a", state.namespaces.of("kept:a"), pack(Envelope(b"1")), key="k")
        found = []
        start(answer).addCallback(found.append)
        server.settle()
        assert found == []
        now[0] += once.CLAIM_SECONDS + 1
        server.advance(once.LOOK_SECONDS)
        assert found[0].offset == 1


def test_an_older_version_is_dropped_and_one_of_another_epoch_is_not():
    with with_api() as server:
        client = connected(server)
        client.subscribe("kept:a")
        said = [(2, ""), (1, ""), (2, ""), (3, ""), (1, "e"), (1, "e"), (2, "e")]
        for version, epoch in said:
            found = call(
                server, "publish", channel="kept:a", data=[version, epoch], version=version, version_epoch=epoch
            )
            assert found["epoch"]
        assert client.data() == [[2, ""], [3, ""], [1, "e"], [2, "e"]]
        call(server, "publish", channel="kept:a", data="none")
        call(server, "publish", channel="kept:a", data="old", version=1, version_epoch="e")
        assert client.data() == ["none"]


def test_a_version_whose_publication_has_failed_may_come_again_and_is_there_once():
    with with_api() as server:
        client = connected(server)
        client.subscribe("kept:a")
        state = State.of(server.pipeline())
        options = state.namespaces.of("kept:a")

        async def fail(name):
            raise StorageAway

        with pytest.raises(StorageAway):
            server.result(start(once.publish_version(state, "kept:a", options, once.Version(1), fail)))
        first = call(server, "publish", channel="kept:a", data=1, version=1)
        # A node that has died behind its publication has not noted that it was done.
        server.result(state.storage.store("centrifugo version kept:a", "", 300, ":1"))
        for _ in range(2):
            assert call(server, "publish", channel="kept:a", data=1, version=1) == first
        assert client.data() == [1]


def test_versions_are_for_channels_that_keep_history():
    with with_api() as server:
        client = connected(server)
        client.subscribe("open:a")
        for version in (2, 1):
            call(server, "publish", channel="open:a", data=version, version=version)
        assert client.data() == [2, 1]
