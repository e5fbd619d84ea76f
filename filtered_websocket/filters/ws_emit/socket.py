"""One client in a namespace of Socket.IO, by the packets that it sends.

A packet with attachments is one text and several binary messages. Here nothing reads the bytes: their number is counted
down, and the event is acknowledged behind the last.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from filtered_websocket.filters.engineio.handover import Missed
from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.engineio.session import Session
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.packets import Packet
from filtered_websocket.messages.message import Message

EVERYBODY = "\0everybody"
"""The channel of all clients of a namespace; no client may enter a room of this name."""

DISCONNECTED: Message = (b"41", False)


class Namespace:
    """``/``, the only one that there is; a client that wants another is refused.

    :param handle: handles an event of a client: ``handle(socket, [name, *arguments])``; an awaitable if it takes time
    :ivar sockets: the clients of this node that are connected, by id
    """

    def __init__(self, handle: "Callable[[Socket, list[Any]], Awaitable[None] | None]") -> None:
        self.handle = handle
        self.sockets: dict[str, Socket] = {}


class Socket:
    """One client; it is in the namespace while `is_connected`.

    :ivar rooms: the channels of the hub that it is in; its session's subscriber may be in others
    """

    __slots__ = ("_acknowledge", "_attachments", "_namespace", "_session", "id", "is_connected", "pipeline", "rooms")

    def __init__(self, session: Session, namespace: Namespace) -> None:
        self._session, self._namespace = session, namespace
        self.id, self.pipeline = session.id, session.pipeline
        self.rooms: set[str] = set()
        self.is_connected = False
        # How many attachments are due of a packet whose text has come, and the id that it wants acknowledged.
        self._attachments = 0
        self._acknowledge: int | None = None

    def send(self, *messages: Message) -> None:
        """Send to this client alone, behind what was sent to its rooms before."""
        self._session.send(*messages)

    # Rooms: channels of this node's hub. What is emitted comes by the bus to every node, so rooms need no storage.

    def join(self, room: str) -> None:
        """Enter a room. One room too many, or one whose name is too long, is counted and not entered."""
        options = self.pipeline.options
        if room == EVERYBODY or room in self.rooms:
            return
        if len(room) > options.max_channel_name or len(self.rooms) >= options.max_channels:
            self.pipeline.server.counters.count("refused", "ws_emit: too many rooms, or too long a name")
            return
        self._enter(room)

    def leave(self, room: str) -> None:
        """Leave a room. Among all a client stays, whatever it asks for."""
        if room != EVERYBODY and room in self.rooms:
            self._exit(room)

    def _enter(self, room: str) -> None:
        self.rooms.add(room)
        self.pipeline.hub.join(room, self._session.subscriber)

    def _exit(self, room: str) -> None:
        self.rooms.discard(room)
        self.pipeline.hub.leave(room, self._session.subscriber)

    # Connected to the namespace, and not.

    def opened(self) -> None:
        """With Engine.IO 3 a client is connected to ``/`` without asking."""
        if self._session.protocol == 3:
            self._connect()

    def _connect(self) -> None:
        self.send(packets.connected(self.id, self._session.protocol))
        self._enter_all((EVERYBODY, self.id))

    def _enter_all(self, rooms: Iterable[str]) -> None:
        self.is_connected = True
        self._namespace.sockets[self.id] = self
        for room in rooms:
            self._enter(room)

    def disconnect(self) -> None:
        """Leave the namespace, and all rooms; the session stays."""
        self.is_connected = False
        sockets = self._namespace.sockets
        if sockets.get(self.id) is self:
            del sockets[self.id]
        for room in tuple(self.rooms):
            self._exit(room)

    def end(self) -> dict[str, Any]:
        state = {
            "connected": self.is_connected,
            "rooms": list(self.rooms),
            "attachments": self._attachments,
            "acknowledge": self._acknowledge,
        }
        self.disconnect()
        return state

    def resume(self, state: dict[str, Any]) -> None:
        self._attachments, self._acknowledge = state["attachments"], state["acknowledge"]
        if state["connected"]:
            self._enter_all(state["rooms"])

    def catch_up(self, missed: Missed) -> None:
        if self.id not in missed.skip and not self.rooms.isdisjoint(missed.channels):
            self.send(*missed.messages)

    def gone_on(self) -> None:
        """It is not told: what was here ended with the move."""

    def lost(self) -> None:
        """It is not told either."""

    # Packets of the client.

    def receive(self, text: str) -> Awaitable[None] | None:
        if self._attachments:
            raise Malformed("a text where an attachment is due")
        packet = packets.decode(text)
        if packet.attachments:
            is_ours = packet.type == packets.BINARY_EVENT and packet.namespace == "/"
            self._attachments, self._acknowledge = packet.attachments, packet.id if is_ours else None
            return None
        if packet.namespace != "/":
            if packet.type == packets.CONNECT:
                self.send(packets.refused(packet.namespace, self._session.protocol))
        elif packet.type == packets.CONNECT:
            self._connect()
        elif packet.type == packets.DISCONNECT:
            self.disconnect()
        elif packet.type in (packets.EVENT, packets.BINARY_EVENT) and self.is_connected:
            return self._event(packet)
        return None

    def receive_bytes(self, data: bytes | bytearray) -> None:
        if not self._attachments:
            raise Malformed("an attachment that belongs to nothing")
        self._attachments -= 1
        if not self._attachments and self.is_connected:
            self._answer(self._acknowledge)

    def _event(self, packet: Packet) -> Awaitable[None] | None:
        waits = self._namespace.handle(self, packet.data)
        if waits is None:
            self._answer(packet.id)
            return None
        return self._answer_later(waits, packet.id)

    async def _answer_later(self, waits: Awaitable[None], number: int | None) -> None:
        await waits
        if not self._session.ended:
            self._answer(number)

    def _answer(self, number: int | None) -> None:
        if number is not None:
            self.send(packets.acknowledged(number))
