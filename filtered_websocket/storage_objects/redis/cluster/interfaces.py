"""What the parts of a cluster ask of each other."""

from typing import Protocol

from filtered_websocket.errors import ConfigError
from filtered_websocket.storage_objects.redis.cluster.node import Node
from filtered_websocket.storage_objects.redis.cluster.redirects import Place
from filtered_websocket.storage_objects.redis.cluster.topology import Topology


class Maps(Protocol):
    """What finds homes: `cluster.Cluster`."""

    asked: int
    topology: Topology

    def look(self, place: Place | None = None) -> None:
        """Ask for a new map, of this node first."""

    def node_at(self, place: Place) -> Node:
        """The node at a place, which is connected to if it was not."""

    def unheard(self, slot: int, why: str) -> None:
        """A partition is not heard any more."""

    def impossible(self, error: ConfigError) -> bool: ...
