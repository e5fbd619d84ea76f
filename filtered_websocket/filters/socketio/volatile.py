"""What may be lost: to a client for which something waits already."""

from typing import Any, Protocol

from filtered_websocket.filters.socketio.interfaces import ClientOfSocket, Pack
from filtered_websocket.filters.socketio.operator import Operator, Rooms, event_packet
from filtered_websocket.messages.message import Message


class Socket(Protocol):
    """A socket, as what is volatile about it knows it."""

    namespace: str

    @property
    def broadcast(self) -> Operator: ...
    def send(self, *messages: Message) -> None: ...
    def to(self, *rooms: Rooms) -> Operator: ...
    def except_(self, *rooms: Rooms) -> Operator: ...


class Volatile:
    """What `Socket.volatile` gives."""

    __slots__ = ("_client", "_pack", "_socket")

    def __init__(self, socket: Socket, client: ClientOfSocket, pack: Pack) -> None:
        self._socket, self._client, self._pack = socket, client, pack

    def emit(self, event: str, *arguments: Any) -> None:
        """Send it an event, if nothing waits for it. It is not replayed to a client that comes back."""
        socket, recovery = self._socket, self._pack.recovery
        messages = event_packet(socket.namespace, event, arguments).messages()
        if self._client.is_busy:
            self._pack.pipeline.server.counters.count("dropped", "socketio: volatile")
        elif recovery is not None and self._client.knows:
            socket.send(*recovery.stamp(messages))
        else:
            socket.send(*messages)

    def to(self, *rooms: Rooms) -> Operator:
        """The clients in these rooms, itself left out."""
        return self._socket.to(*rooms).volatile

    def except_(self, *rooms: Rooms) -> Operator:
        """All clients but itself and those in these rooms."""
        return self._socket.except_(*rooms).volatile

    @property
    def broadcast(self) -> Operator:
        """All clients but itself."""
        return self._socket.broadcast.volatile
