"""The channels on which nodes talk to one another: one for each node, and one that all of them hear."""

from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.engineio import strict_json


class NodeChannels:
    """
    :param pack: what the channels are called by, behind the pipeline's prefix: a session of one pipeline is nobody's in
        another
    :param name: this node's
    """

    def __init__(self, pipeline: Pipeline, pack: str, name: str) -> None:
        self.pack, self.name = pack, name
        self._storage = pipeline.storage_object
        called = pipeline.prefix + pack.replace("_", "-")
        self._own, self._shared = f"{called}::node::", f"{called}::nodes"

    @property
    def are_shared(self) -> bool:
        """Whether there can be other nodes."""
        return self._storage.shared

    @property
    def heard(self) -> tuple[str, ...]:
        """What this node listens to; alone it has nobody to listen to."""
        return (self._own + self.name, self._shared) if self.are_shared else ()

    def owner(self, sid: str) -> str:
        """The name of the node that has begun a session."""
        return sid[: len(self.name)]

    def send(self, node: str, message: str) -> Deferred[None]:
        """Have one node hear a message."""
        return self._storage.publish(self._own + node, message)

    def tell(self, node: str, what: str, **values: Any) -> Deferred[None]:
        """The same with a message made of these values."""
        return self.send(node, strict_json.dumps({"do": what, **values}))

    def tell_all(self, what: str, **values: Any) -> Deferred[None]:
        """Have all nodes hear a message, this one too."""
        return self._storage.publish(self._shared, strict_json.dumps({"do": what, **values}))
