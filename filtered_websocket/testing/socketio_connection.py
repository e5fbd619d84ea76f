"""One connection of Socket.IO clients in memory: what comes is for the client in its namespace."""

from typing import Any

from filtered_websocket.testing.client import Server
from filtered_websocket.testing.engineio import Frame, Session
from filtered_websocket.testing.socketio import SocketIOClient
from filtered_websocket.testing.socketio_packets import Packet, Reader


class Connection:
    """One session, and the clients in namespaces on it.

    :ivar session: set by its maker
    :ivar is_open: whether the server has begun the session
    """

    session: Session

    def __init__(self, server: Server) -> None:
        self.server = server
        self.is_open = False
        self._reader = Reader()
        self._clients: dict[str, SocketIOClient] = {}

    def enter(self, namespace: str, auth: Any) -> SocketIOClient:
        """A client that is in a namespace, or on its way into it.

        :raises ConnectError: it is not let in
        :raises ValueError: this connection has a client there, or there can be no namespace of this name
        """
        if not namespace.startswith("/") or "," in namespace:
            raise ValueError(f"{namespace} is no namespace, such as / or /chat")
        former = self._clients.get(namespace)
        if former is not None and not former.is_over:
            raise ValueError(f"this connection has a client in {namespace}")
        client = self._clients[namespace] = SocketIOClient(self, namespace, auth)
        if self.is_open:
            client.enter()
        client.raise_refusal()
        return client

    def post(self, packet: Packet) -> None:
        self.session.post(packet.frames())

    # What the session calls.

    def opened(self) -> None:
        self.is_open = True
        for each in self._clients.values():
            each.enter()

    def received(self, frame: Frame) -> None:
        packet = self._reader.take(frame)
        if packet is None:
            return
        client = self._clients.get(packet.namespace)
        assert client is not None, f"the server sent {packet}, which is for nobody here"
        if not client.is_over:  # else it was on its way when the client left
            client.take(packet)

    def ended(self) -> None:
        for each in self._clients.values():
            each.end("transport close")
