"""What a `handlers.Server` reaches: the pipelines that run it, and their clients."""

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.filters.socketio.entering import Entering
from filtered_websocket.filters.socketio.namespace import namespace
from filtered_websocket.filters.socketio.operator import Operator, several
from filtered_websocket.filters.socketio.registered import Registered, current
from filtered_websocket.filters.socketio.settling import told
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.filters.socketio.state import State

Names = str | Iterable[str] | None

known: set[Pipeline] = set()
"""The pipelines that have begun with handlers, and not ended."""


def names(names: Names) -> tuple[str, ...]:
    return () if names is None else several((names,))


class Reach:
    """
    :param registered: the server's handlers
    """

    def __init__(self, registered: Registered) -> None:
        self._registered = registered

    def pipelines(self) -> list[Pipeline]:
        """The pipelines that a call is for."""
        socket = current.get()
        if socket is not None and self._registered.is_in(pipeline := socket.connection.pipeline):
            return [pipeline]
        return [each for each in known if self._registered.is_in(each)]

    def refuse_late(self, namespace: str, event: str | None) -> None:
        """
        :raises RuntimeError: a handler comes when the pipelines have their filters, and would never run
        """
        if self._registered.is_new(namespace, event) and any(self._registered.runs_in(each) for each in known):
            raise RuntimeError(f"{event} of {namespace}: handlers are registered while their module is imported")

    def find(self, sid: str, where: str) -> Socket | None:
        """The client of this id, if it is here, or is the one whose handler runs."""
        socket = current.get()
        if socket is not None and (socket.id, socket.namespace) == (sid, where):
            return socket
        for pipeline in [each for each in known if self._registered.is_in(each)]:
            found = State.of(pipeline).socket(where, sid) or Entering.of(pipeline).find(where, sid)
            if found is not None:
                return found
        return None

    def here(self, sid: str, where: str | None) -> Socket:
        """
        :raises KeyError: there is no such client here
        """
        socket = self.find(sid, where or "/")
        if socket is None:
            raise KeyError(f"no client {sid} in {where or '/'} here")
        return socket

    async def elsewhere(self, sid: str, where: str | None, do: Callable[[Operator], Deferred[Any]]) -> bool:
        """Have something done to a client of another node; whether there can be one."""
        shared = [each for each in self.pipelines() if State.of(each).cluster.is_shared]
        for pipeline in shared:
            await told(pipeline, do(self.audience(pipeline, where or "/", [sid])))
        return bool(shared)

    def audience(self, pipeline: Pipeline, where: str, rooms: Names, skip: Names = None) -> Operator:
        """The clients of rooms on all nodes; of no rooms all."""
        return namespace(pipeline, where).to(*names(rooms)).except_(*names(skip))
