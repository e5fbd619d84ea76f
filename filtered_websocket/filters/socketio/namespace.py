"""What is done outside handlers."""

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.socketio.operator import Namespace
from filtered_websocket.filters.socketio.state import State


def namespace(pipeline: Pipeline, name: str = "/") -> Namespace:
    """A namespace of a pipeline, to be emitted to: all its clients on all nodes.

    :param pipeline: as filters have it, `connection.pipeline`
    """
    return Namespace(State.of(pipeline), name)
