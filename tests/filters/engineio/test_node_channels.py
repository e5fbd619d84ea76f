"""The channels on which nodes talk to one another."""

import json
from typing import Any

from filtered_websocket.filters.engineio.node_channels import NodeChannels
from filtered_websocket.storage_objects.memory import StorageObject
from filtered_websocket.testing.server import Server
from tests.support.shared_memory import SharedMemory
from tests.support.small_filters import Echo


class Published(SharedMemory):
    def __init__(self) -> None:
        super().__init__()
        self.published: list[tuple[str, Any]] = []

    def publish(self, channel: str, data: str | bytes) -> Any:
        self.published.append((channel, json.loads(data)))
        return super().publish(channel, data)


def test_a_node_that_is_alone_listens_to_nothing() -> None:
    with Server(Echo, storage_object=StorageObject()) as server:
        channels = NodeChannels(server.pipeline(), "pack", "a" * 8)
        assert (channels.are_shared, channels.heard) == (False, ())


def test_each_node_hears_its_own_channel_and_the_shared_one() -> None:
    storage = Published()
    with Server(Echo, storage_object=storage) as server:
        one, other = (NodeChannels(server.pipeline(), "pack", name * 8) for name in "ab")
        one.tell(other.name, "probe", id=1)
        one.tell_all("take", sid="x")
        one.send(one.name, '{"do":"got"}')
        assert [message for channel, message in storage.published if channel in one.heard] == [
            {"do": "take", "sid": "x"},
            {"do": "got"},
        ]
        assert [message for channel, message in storage.published if channel in other.heard] == [
            {"do": "probe", "id": 1},
            {"do": "take", "sid": "x"},
        ]


def test_nodes_of_different_pipelines_hear_nothing_of_each_other() -> None:
    with Server(storage_object=Published(), pipelines={"/a/*": [Echo], "/b/*": [Echo]}) as server:
        heard = [set(NodeChannels(server.pipeline(path), "pack", "a" * 8).heard) for path in ("/a/", "/b/")]
        assert all(map(len, heard))
        assert not heard[0] & heard[1]


def test_a_session_names_the_node_that_has_begun_it() -> None:
    with Server(Echo) as server:
        channels = NodeChannels(server.pipeline(), "pack", "node-one")
        assert channels.owner("node-one-and-what-nobody-guesses") == "node-one"
        assert channels.owner("") == ""
