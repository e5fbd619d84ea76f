"""What filters in front of the pack say to its clients, and hear of them (`chain.speech`).

<- 42["presence",{...}]     socket.on("presence", (value) => ...), in the namespace /
"""

from typing import Any

from filtered_websocket.chain.interfaces import Connection
from filtered_websocket.chain.speech import Payload, Speech
from filtered_websocket.filters.engineio.packets import MESSAGE, Malformed
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.operator import event_packet
from filtered_websocket.messages.message import Message, came_binary

EVENTS = (packets.EVENT, packets.BINARY_EVENT)


class PacketSpeech(Speech):
    """That of packets of Socket.IO, whatever obeys them."""

    def tell(self, connection: Connection, name: str, value: dict[str, Any]) -> bool:
        application = getattr(getattr(connection, "session", None), "application", None)
        return application is not None and self.send(application, event_packet("/", name, (value,)).messages())

    def send(self, application: Any, messages: tuple[Message, ...]) -> bool:
        """Send packets to a client; False: it is not in the namespace."""
        raise NotImplementedError

    def said(self, connection: Connection, data: Payload) -> list[Any]:
        if came_binary(data):
            return []  # what belongs to an event
        text = data if isinstance(data, str) else data.decode()
        if text[:1] != MESSAGE:
            return []
        try:
            packet = packets.decode(text[1:])
        except (Malformed, ValueError):
            return []
        if packet.type not in EVENTS or not packet.data or not isinstance(packet.data[0], str):
            return []
        name, *arguments = packet.data
        return [{"event": name, "namespace": packet.namespace, "data": arguments}]


class SocketIOSpeech(PacketSpeech):
    def send(self, application: Any, messages: tuple[Message, ...]) -> bool:
        socket = application.sockets.get("/")
        if socket is None or not socket.connected:
            return False
        socket.send(*messages)
        return True
