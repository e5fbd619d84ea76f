"""What the pack keeps for one pipeline: `pipeline.ws_emit`, put there by its start filter."""

from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from filtered_websocket.chain.interfaces import Options, Pipeline
from filtered_websocket.filters.engineio.engine import Engine
from filtered_websocket.filters.engineio.options import (
    MAX_PAYLOAD,
    PING_INTERVAL,
    PING_TIMEOUT,
    TRANSPORTS,
    PackOptions,
)
from filtered_websocket.filters.shared.state import PackState
from filtered_websocket.filters.socketio import bus
from filtered_websocket.filters.socketio.recovery.recovery import Recovery
from filtered_websocket.filters.socketio.recovery.window import Entry
from filtered_websocket.filters.ws_emit import client_requests, logged
from filtered_websocket.filters.ws_emit.namespace import Namespace
from filtered_websocket.filters.ws_emit.socket import Socket

PATH = "/socket.io/"


class State(PackState):
    """
    :ivar engine: the Engine.IO sessions of this node, and the other nodes
    :ivar namespace: the clients of this node that are connected to ``/``
    :ivar recovery: None where it is off
    :ivar listening: fires when this node hears what is emitted
    """

    attribute = "ws_emit"

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        self.namespace = Namespace(client_requests.obey)
        self.engine = Engine(
            pipeline, PATH, _Options(pipeline, "ws_emit"), lambda session: Socket(session, self.namespace)
        )
        storage = pipeline.storage_object
        self.recovery: Recovery | None = None
        if pipeline.options.ws_emit_recovery:
            self.recovery = self.namespace.recovery = Recovery(pipeline, "ws_emit", self._carry_out)
        self.listening: Deferred[Any] = gatherResults(
            [storage.listen(channel) for channel in (bus.CHANNEL, *self.engine.nodes.heard)], consumeErrors=True
        )

    def _carry_out(self, entry: Entry) -> None:
        logged.carry_out(self.pipeline.hub, self.namespace, entry)

    def begin(self) -> Deferred[Any]:
        """Hear what is to be done here; fires when it does."""
        heard = [self.listening] if self.recovery is None else [self.listening, *self.recovery.listen()]
        return gatherResults(heard, consumeErrors=True)

    def follow(self, options: Options) -> None:
        if self.recovery is not None:
            self.recovery.follow()

    def stop(self) -> None:
        """Tell the clients that poll to come again, to another node maybe."""
        self.engine.stop()
        if self.recovery is not None:
            self.recovery.stop()


class _Options(PackOptions):
    """What the options of this pack say to the engine; some of the engine's are none here."""

    is_strict = False
    max_packets = MAX_PAYLOAD  # as many as fit
    ping_interval, ping_timeout, max_payload = PING_INTERVAL, PING_TIMEOUT, MAX_PAYLOAD

    @property
    def transports(self) -> list[str]:
        return [*TRANSPORTS]
