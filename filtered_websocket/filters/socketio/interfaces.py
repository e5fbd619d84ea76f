"""What the parts of the pack know of its state, and of one another."""

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from filtered_websocket.chain.interfaces import Connection, Options, Pipeline
from filtered_websocket.filters.socketio.acknowledgements import Acknowledgements
from filtered_websocket.filters.socketio.audience import Audience
from filtered_websocket.filters.socketio.cluster import Cluster
from filtered_websocket.filters.socketio.packets import Encoded
from filtered_websocket.filters.socketio.recovery.recovery import Recovery
from filtered_websocket.messages.message import Message


class Pack(Protocol):
    """What the pack keeps for one pipeline (`state.State`)."""

    @property
    def pipeline(self) -> Pipeline: ...
    @property
    def options(self) -> Options: ...
    @property
    def acknowledgements(self) -> Acknowledgements: ...
    @property
    def cluster(self) -> Cluster: ...
    @property
    def recovery(self) -> Recovery | None:
        """None where it is off."""

    def emit(self, audience: Audience, packet: Encoded, volatile: bool, local: bool) -> Deferred[Any]:
        """Send a packet to its audience, on all nodes or this one alone."""

    def change(self, audience: Audience, entered: Sequence[str] = (), left: Sequence[str] = ()) -> Deferred[Any]:
        """Have an audience enter rooms, or leave rooms, on all nodes."""

    def put_out(self, audience: Audience, close: bool) -> Deferred[Any]:
        """Put an audience out of its namespace, on all nodes."""


class ClientOfSocket(Protocol):
    """A client, as its socket in one namespace knows it."""

    @property
    def connection(self) -> Connection: ...
    @property
    def knows(self) -> bool:
        """Whether it gets offsets."""

    @property
    def is_busy(self) -> bool:
        """Whether something waits for it to read."""

    def send(self, namespace: str, id: str, messages: Sequence[Message]) -> None:
        """Send it packets of its socket of this id, wherever it is now."""

    def join(self, socket: Any, room: str) -> None:
        """Have it in a room, wherever it is now."""

    def leave(self, socket: Any, room: str) -> None: ...
    def enter(self, channel: str) -> None: ...
    def exit(self, channel: str) -> None: ...
    def disconnect(self, socket: Any, close: bool) -> None: ...
    def displaced(self, socket: Any) -> None:
        """Another connection has the session of its socket."""
