"""What the pack keeps for one pipeline: `pipeline.ws_emit`, put there by its start filter."""

from typing import Any, ClassVar

from twisted.internet.defer import Deferred, gatherResults

from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.filters.engineio.engine import Engine
from filtered_websocket.filters.engineio.options import MAX_PAYLOAD, PING_INTERVAL, PING_TIMEOUT, TRANSPORTS
from filtered_websocket.filters.shared.state import PackState
from filtered_websocket.filters.socketio import bus
from filtered_websocket.filters.ws_emit import client_requests
from filtered_websocket.filters.ws_emit.socket import Namespace, Socket

PATH = "/socket.io/"


class State(PackState):
    """
    :ivar engine: the Engine.IO sessions of this node, and the other nodes
    :ivar namespace: the clients of this node that are connected to ``/``
    :ivar listening: fires when this node hears what is emitted
    """

    attribute = "ws_emit"

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        self.namespace = Namespace(client_requests.obey)
        self.engine = Engine(pipeline, PATH, _Options(pipeline), lambda session: Socket(session, self.namespace))
        storage = pipeline.storage_object
        self.listening: Deferred[Any] = gatherResults(
            [storage.listen(channel) for channel in (bus.CHANNEL, *self.engine.nodes.heard)], consumeErrors=True
        )

    def stop(self) -> None:
        """Tell the clients that poll to come again, to another node maybe."""
        self.engine.stop()


class _Options:
    """What the options of this pack say to the engine, as they stand now."""

    pack = "ws_emit"
    admits_late = False
    max_packets = MAX_PAYLOAD  # as many as fit
    ping_interval, ping_timeout, max_payload = PING_INTERVAL, PING_TIMEOUT, MAX_PAYLOAD
    transports: ClassVar = [*TRANSPORTS]

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    @property
    def _options(self) -> Options:
        return self._pipeline.options

    @property
    def eio3(self) -> bool:
        return bool(self._options.ws_emit_eio3)

    @property
    def cors(self) -> list[str]:
        cors: list[str] = self._options.ws_emit_cors
        return cors

    @property
    def polling_buffer(self) -> int:
        return int(self._options.ws_emit_polling_buffer)
