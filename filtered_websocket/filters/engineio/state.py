"""What the pack keeps for one pipeline: `pipeline.engineio`, put there by its start filter."""

from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.filters.engineio.encodings import MESSAGES
from filtered_websocket.filters.engineio.engine import Engine
from filtered_websocket.filters.engineio.inbox import Inbox
from filtered_websocket.filters.engineio.options import PackOptions
from filtered_websocket.filters.shared.state import PackState


class State(PackState):
    """
    :ivar engine: the sessions of this node, and the other nodes
    :ivar listening: fires when this node hears the others
    """

    attribute = "engineio"

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        options = PackOptions(pipeline, "engineio")
        self.engine = Engine(pipeline, options.path, options, Inbox, MESSAGES)
        self.listening: Deferred[Any] = gatherResults(
            [pipeline.storage_object.listen(channel) for channel in self.engine.nodes.heard], consumeErrors=True
        )

    def follow(self, options: Options) -> None:
        self.engine.path = options.engineio_path
        self.engine.follow()

    def stop(self) -> None:
        """Tell the clients that poll to come again, to another node maybe."""
        self.engine.stop()
