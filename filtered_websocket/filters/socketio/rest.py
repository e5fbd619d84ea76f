"""HTTP of the pack: the sessions that poll."""

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.engineio.engine import Engine
from filtered_websocket.filters.engineio.polling_endpoint import PollingEndpoint
from filtered_websocket.filters.socketio.state import State


class Polling(PollingEndpoint):
    """The polling transport, at the path that the option says."""

    path = "*"

    @classmethod
    def engine_of(cls, pipeline: Pipeline) -> Engine:
        return State.of(pipeline).engine
