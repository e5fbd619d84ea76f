"""One client: an Engine.IO session and the Socket.IO connection in it, whatever transport carries its packets.

A session has one transport for life, `WebSocketSession` or `PollingSession`. An upgrade is the end of one and the
beginning of another that takes over what the first one left.
"""

from collections.abc import Iterable
from typing import Any

from filtered_websocket.filters.ws_emit import client_requests, rooms
from filtered_websocket.filters.ws_emit.engineio import packets as engine_packets
from filtered_websocket.filters.ws_emit.engineio import strict_json
from filtered_websocket.filters.ws_emit.engineio.packets import PING_INTERVAL, PING_TIMEOUT, Malformed
from filtered_websocket.filters.ws_emit.handover import Estate, id_of
from filtered_websocket.filters.ws_emit.socketio import packets as socket_packets
from filtered_websocket.filters.ws_emit.socketio.packets import Packet
from filtered_websocket.messages.message import Message


class Session:
    """
    :ivar sid: Engine.IO's, known to the client alone
    :ivar id: Socket.IO's, which programs address
    :ivar protocol: of Engine.IO, 4 or 3
    :ivar subscriber: what is in the hub for it
    :ivar rooms: the channels of the hub that it is in; the subscriber may be in others
    """

    upgrades: tuple[str, ...] = ()
    subscriber: Any
    slot = 0
    awaiting_pong: bool | None = None

    def __init__(self, pipeline: Any, estate: Estate) -> None:
        self.pipeline = pipeline
        self.state: Any = pipeline.ws_emit
        self.sid, self.protocol = estate.sid, estate.protocol
        self.id = id_of(estate.sid, estate.protocol)
        self.rooms: set[str] = set()
        self.is_connected = False
        self.ended = False
        self._attachments, self._acknowledge = estate.attachments, estate.acknowledge
        self._deadline: Any = None

    # What the transports do.

    def send(self, *messages: Message) -> None:
        """To this client alone, behind what was sent to its rooms before."""
        raise NotImplementedError

    def _send_estate(self, messages: tuple[Message, ...]) -> None:
        """Send what another transport has left."""
        self.send(*messages)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End the session; the client is told, and may come again."""
        raise NotImplementedError

    def hung_up(self) -> None:
        """The client has ended the session."""
        self.close()

    # Beginning and end.

    def open(self) -> None:
        """Greet a new client."""
        handshake: dict[str, Any] = {"sid": self.sid, "upgrades": list(self.upgrades)}
        handshake |= {"pingTimeout": PING_TIMEOUT * 1000, "pingInterval": PING_INTERVAL * 1000}
        if self.protocol != 3:
            handshake["maxPayload"] = engine_packets.MAX_PAYLOAD
        self.send(((engine_packets.OPEN + strict_json.dumps(handshake)).encode(), False))
        self._watch()
        if self.protocol == 3:
            self._connect()

    def inherit(self, estate: Estate) -> None:
        """Go on where another transport ended."""
        self._watch()
        if estate.messages:
            self._send_estate(estate.messages)
        if estate.connected:
            self._enter_all(estate.rooms)

    def leave(self) -> Estate:
        """Leave everything, without a word to the client. What was published before is in the estate's messages."""
        self.ended = True
        self._unwatch()
        connected, left = self.is_connected, tuple(self.rooms)
        self.disconnect()
        return Estate(self.sid, self.protocol, connected, left, (), self._attachments, self._acknowledge)

    # Packets of the client.

    def receive(self, payload: bytes | bytearray, binary: bool) -> Any:
        """Obey a message, as a WebSocket of Engine.IO 4 carries it.

        :returns: None, or an awaitable if it takes time; later messages of this client wait
        """
        if self.ended:
            return None
        try:
            if not binary and payload[:1] == b"b":
                payload, binary = engine_packets.decode_text(payload.decode(), self.protocol)
            return self._attachment() if binary else self._packet(payload.decode())
        except (Malformed, UnicodeDecodeError) as error:
            self.pipeline.server.counters.count("closed", "ws_emit: malformed packet", str(error))
            self.close(1002, "parse error")
            return None

    def _packet(self, text: str) -> Any:
        kind = text[:1]
        if kind == engine_packets.MESSAGE:
            return self._message(text[1:])
        if kind == (engine_packets.PING if self.protocol == 3 else engine_packets.PONG):
            self.awaiting_pong = False
            if self._deadline is not None:
                self._deadline.reset(PING_INTERVAL + PING_TIMEOUT)
            if len(text) > engine_packets.MAX_ECHO:
                raise Malformed("a ping with more than a probe has")
            if kind == engine_packets.PING:
                self.send(((engine_packets.PONG + text[1:]).encode(), False))
        elif kind == engine_packets.CLOSE:
            self.hung_up()
        elif kind not in (engine_packets.UPGRADE, engine_packets.NOOP):
            raise Malformed("a packet that no client of Engine.IO sends")
        return None

    def _message(self, text: str) -> Any:
        if self._attachments:
            raise Malformed("a text where an attachment is due")
        packet = socket_packets.decode(text)
        if packet.attachments:
            # Events of ours have no use for bytes, so all that is kept is how many are to come.
            self._attachments = packet.attachments
            self._acknowledge = (
                packet.id if packet.type == socket_packets.BINARY_EVENT and packet.namespace == "/" else None
            )
            return None
        if packet.namespace != "/":
            if packet.type == socket_packets.CONNECT:
                self.send(socket_packets.refused(packet.namespace, self.protocol))
        elif packet.type == socket_packets.CONNECT:
            self._connect()
        elif packet.type == socket_packets.DISCONNECT:
            self.disconnect()
        elif packet.type in (socket_packets.EVENT, socket_packets.BINARY_EVENT) and self.is_connected:
            return self._event(packet)
        return None

    def _attachment(self) -> None:
        if not self._attachments:
            raise Malformed("an attachment that belongs to nothing")
        self._attachments -= 1
        if not self._attachments and self.is_connected:
            self._answer(self._acknowledge)

    def _event(self, packet: Packet) -> Any:
        waits = client_requests.obey(self, packet.data)
        if waits is None:
            self._answer(packet.id)
            return None
        return self._obey_later(waits, packet.id)

    async def _obey_later(self, waits: Any, number: int | None) -> None:
        await waits
        if not self.ended:
            self._answer(number)

    def _answer(self, number: int | None) -> None:
        if number is not None:
            self.send(socket_packets.acknowledged(number))

    # The connection to ``/``.

    def _connect(self) -> None:
        self.send(socket_packets.connected(self.id, self.protocol))
        self._enter_all((rooms.EVERYBODY, self.id))

    def _enter_all(self, names: Iterable[str]) -> None:
        self.is_connected = True
        self.state.clients[self.id] = self
        for name in names:
            rooms.put(self, name)

    def disconnect(self) -> None:
        """Out of ``/``, and of all its rooms; the session stays."""
        self.is_connected = False
        if self.state.clients.get(self.id) is self:
            del self.state.clients[self.id]
        for room in tuple(self.rooms):
            rooms.take(self, room)

    # Whether it is still there.

    def _watch(self) -> None:
        """With Engine.IO 4 the heartbeat pings; with 3 the client does, and is to be heard of."""
        if self.protocol != 3:
            self.state.heartbeat.add(self)
            return
        later = self.pipeline.server.reactor.callLater
        self._deadline = later(PING_INTERVAL + PING_TIMEOUT, self._not_heard)

    def _unwatch(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None:
            deadline.cancel()
        self.state.heartbeat.remove(self)

    def _not_heard(self) -> None:
        self._deadline = None
        if self.standing_still():
            self._watch()
        else:
            self.ping_timed_out()

    def standing_still(self) -> bool:
        raise NotImplementedError

    def sendPing(self) -> None:
        self.send((engine_packets.PING.encode(), False))

    def ping_timed_out(self) -> None:
        self.pipeline.server.counters.count("closed", "ws_emit: ping timeout")
        self.gone()

    def gone(self) -> None:
        """The client is not there any more."""
        raise NotImplementedError
