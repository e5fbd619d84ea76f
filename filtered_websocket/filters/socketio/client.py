"""One client: the application that runs on its Engine.IO session. It is in namespaces, with a socket in each."""

import base64
import secrets
from collections.abc import Awaitable
from typing import Any
from urllib.parse import parse_qsl

from twisted.internet.defer import Deferred

from filtered_websocket.chain.clock import DelayedCall
from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.engineio.session import Session
from filtered_websocket.filters.socketio import packets
from filtered_websocket.filters.socketio.attachments import TooManyAttachments
from filtered_websocket.filters.socketio.handling import PackOfClients
from filtered_websocket.filters.socketio.packets import Packet
from filtered_websocket.filters.socketio.returning import Returning
from filtered_websocket.filters.socketio.socket import Socket
from filtered_websocket.filters.socketio.values import packed

FINAL = ("client namespace disconnect", "server namespace disconnect")
"""Reasons after which a client does not go on with its session."""


class Client(Returning):
    """The whole of it."""

    __slots__ = ("_deadline",)

    def __init__(self, session: Session, pack: PackOfClients) -> None:
        super().__init__(session, pack)
        self._deadline: DelayedCall | None = None

    # The session.

    def opened(self) -> None:
        self.pack.goes_on(self.session)
        self._watch()
        if self.session.protocol == 3:
            # Clients of Socket.IO 2 are in / without asking.
            self._turns.take(Packet(packets.CONNECT, "/", None, None, 0), 0)

    def _watch(self) -> None:
        pipeline = self.pack.pipeline
        self._deadline = pipeline.server.reactor.callLater(
            pipeline.options.socketio_connect_timeout, self._joins_nothing
        )

    def _joins_nothing(self) -> None:
        self._deadline = None
        self.pack.pipeline.server.counters.count("closed", "socketio_connect_timeout")
        self.session.reason = "forced server close"
        self.session.close()

    def _unwatch(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None:
            deadline.cancel()

    def end(self) -> dict[str, Any]:
        self._unwatch()
        if self.session.moves:
            return self._move()
        self._turns.stop()
        server = self.pack.pipeline.server
        reason = "server shutting down" if server.unready == "draining" else self.session.reason
        self._leave_all(reason)
        return {}

    def _leave_all(self, reason: str) -> None:
        for socket in tuple(self.sockets.values()):
            self._leave(socket, reason)

    # Packets of the client.

    def receive(self, text: str) -> Awaitable[None] | None:
        try:
            return self._take(self._assembly.text(text, self.pack.pipeline.options.socketio_max_attachments))
        except Malformed as error:
            self._is_malformed(error)
            raise

    def receive_bytes(self, data: bytes | bytearray) -> Awaitable[None] | None:
        try:
            return self._take(self._assembly.attachment(data))
        except Malformed as error:
            self._is_malformed(error)
            raise

    def _is_malformed(self, error: Malformed) -> None:
        self.session.reason = "forced close"
        if isinstance(error, TooManyAttachments):
            self.pack.pipeline.server.counters.count("closed", "socketio_max_attachments", str(error))

    def _take(self, packet: Packet | None) -> Awaitable[None] | None:
        if packet is None:
            return None
        if packet.type in (packets.ACK, packets.BINARY_ACK):
            # Past what waits: a filter that waits for this may be what holds it up.
            self._acknowledged(packet)
            return None
        return self._turns.take(packet, self._assembly.size)

    def _acknowledged(self, packet: Packet) -> None:
        socket, number = self.sockets.get(packet.namespace), packet.id
        if socket is None or number is None:
            return
        if not self.pack.acknowledgements.given(socket.id, number, packet.data) and number in self._elsewhere:
            node = self._elsewhere.pop(number)
            values = {"socket": socket.id, "number": number, "arguments": packed(packet.data)}
            self.pack.cluster.tell(node, "acknowledged", **values)

    def _obey(self, packet: Packet) -> Deferred[Any] | None:
        self.pack.follow_options()
        if packet.type == packets.CONNECT:
            return self._connect(packet)
        socket = self.sockets.get(packet.namespace)
        if socket is None or not socket.connected:
            self.pack.pipeline.server.counters.count("dropped", "socketio: for a namespace that the client is not in")
        elif packet.type == packets.DISCONNECT:
            self._leave(socket, "client namespace disconnect")
        else:
            return self._event(socket, packet)
        return None

    def _connect(self, packet: Packet) -> Deferred[Any] | None:
        name, protocol, pipeline = packet.namespace, self.session.protocol, self.pack.pipeline
        if (former := self.sockets.get(name)) is not None:
            pid = "" if former.standing is None else former.standing.pid
            self.session.send(packets.connected(former.id, protocol, name, pid))
            return None
        chains = self.pack.chains.of(name)
        if chains is None:
            self.session.send(packets.refused(name, protocol, "Invalid namespace"))
            return None
        if len(self.sockets) >= pipeline.options.socketio_max_namespaces:
            pipeline.server.counters.count("refused", "socketio_max_namespaces")
            self.session.send(packets.refused(name, protocol, "Too many namespaces"))
            return None
        auth = dict(parse_qsl(packet.query)) if protocol == 3 else packet.data or {}
        return self._ask_for(name, chains, auth)

    def _new_socket(self, namespace: str, auth: Any) -> Socket:
        socket = self.sockets[namespace] = Socket(self, self.pack, namespace, self._new_id(namespace), auth)
        return socket

    def _new_id(self, namespace: str) -> str:
        if namespace == "/":
            return self.session.id
        if self.session.protocol == 3:
            return f"{namespace}#{self.session.id}"  # clients of Socket.IO 2 make it themselves
        return base64.urlsafe_b64encode(secrets.token_bytes(15)).decode()

    # How `Handling` ends.

    @property
    def _is_asked_elsewhere(self) -> bool:
        """Whether the connect filters of another node are asked again, since it goes on there."""
        return self._is_away and self.pack.cluster.is_shared

    def _admitted(self, socket: Socket) -> None:
        if socket.ended or self._is_asked_elsewhere or not self._connected(socket):
            return
        self._say_whose(socket)
        if not self._is_away:
            self._unwatch()
            if self.pack.joined(socket.namespace, self.session.id, socket):
                socket.enter_all()
        socket.send_held()

    def _refused(self, socket: Socket, reason: str, data: Any) -> None:
        if not socket.ended and not self._is_asked_elsewhere:
            del self.sockets[socket.namespace]
            self._claims.pop(socket.namespace, None)
            socket.ended = True
            message = packets.refused(socket.namespace, self.session.protocol, reason, data)
            self.send(socket.namespace, socket.id, (message,))

    def _leave(self, socket: Socket, reason: str) -> None:
        if self.sockets.get(socket.namespace) is socket:
            del self.sockets[socket.namespace]
        if socket.ended:
            return
        socket.ended = True
        if socket.connected:
            socket.exit_all()
            if socket.standing is not None:
                socket.standing.end(reason in FINAL)
            socket.connected = False
            chains = self.pack.left(socket.namespace, self.session.id)
            if chains is None and self._is_away:
                chains = self.pack.chains.of(socket.namespace)
            if chains is not None:
                self._tell_left(socket, reason, chains.disconnect)
        self.pack.acknowledgements.gone(socket.id)
