"""A session on a WebSocket, and a WebSocket that is to take over a polling session."""

from typing import Any

from filtered_websocket.errors import Close
from filtered_websocket.filters.ws_emit.engineio import packets
from filtered_websocket.filters.ws_emit.handover import Estate, id_of
from filtered_websocket.filters.ws_emit.polling import UPGRADE_SECONDS
from filtered_websocket.filters.ws_emit.session import Session
from filtered_websocket.messages.message import Message


class WebSocketSession(Session):
    """
    :param connection: the open connection that carries it
    """

    direct = None

    def __init__(self, connection: Any, estate: Estate) -> None:
        super().__init__(connection.pipeline, estate)
        self.connection = connection
        # Engine.IO 4 is what the hub's fast road carries. Engine.IO 3 wants its binary frames changed.
        self.subscriber = self if self.protocol == 3 else connection
        self.channels: set[str] = set()
        if self.subscriber is connection and not connection.channels:
            connection.channels = set()

    def send(self, *messages: Message) -> None:
        if self.protocol == 3:
            # The connection is in no room of the session: what is published in them is to be sent before.
            self.pipeline.hub.settle(self)
        for payload, binary in self._as_frames(messages):
            self.connection.sendMessage(payload, binary)

    def _send_estate(self, messages: tuple[Message, ...]) -> None:
        # What has waited for a GET may be more than may wait for a slow client.
        self.connection.send_together(self._as_frames(messages))

    def _as_frames(self, messages: Any) -> Any:
        if self.protocol != 3:
            return messages
        return [
            (packets.BINARY_MESSAGE + payload, True) if binary else (payload, False) for payload, binary in messages
        ]

    def deliver(self, batch: Any, policy: str) -> None:
        if any(binary for _, binary in batch.messages):
            batch = batch.encoded("Engine.IO 3", self._as_batch)
        self.connection.deliver(batch, policy)

    def _as_batch(self, batch: Any) -> Any:
        groups = [self._as_frames(group) for group in batch.groups]
        return type(batch)(batch.channel, [message for group in groups for message in group], groups)

    def receive(self, payload: bytes | bytearray, binary: bool) -> Any:
        # A binary frame of Engine.IO 3 that is no message has no meaning.
        return super().receive(payload, binary and not (self.protocol == 3 and payload[:1] != packets.BINARY_MESSAGE))

    def close(self, code: int = 1000, reason: str = "") -> None:
        self.connection.close(code, reason)

    def standing_still(self) -> bool:
        return bool(self.connection.standing_still())

    def gone(self) -> None:
        self.connection.abortConnection()


class Fresh:
    """A WebSocket that begins a session of its own: what `connection.session` is until it is open."""

    def __init__(self, connection: Any, protocol: int) -> None:
        self._connection, self._protocol = connection, protocol
        self.sid = connection.pipeline.ws_emit.new_sid()
        connection.id = id_of(self.sid, protocol)

    def open(self) -> None:
        self._connection.session = WebSocketSession(self._connection, Estate(self.sid, self._protocol))
        self._connection.session.open()

    def leave(self) -> None:
        """There is nothing yet to be left."""


class Candidate:
    """A WebSocket that is to take over a polling session, which goes on until then.

    -> 2probe  <- 3probe, and the GET that waits is answered with a noop; -> 5, and from then on all goes here
    """

    def __init__(self, connection: Any, sid: str, protocol: int) -> None:
        self._connection, self._sid = connection, sid
        self._state: Any = connection.pipeline.ws_emit
        self._deadline: Any = None
        connection.id = id_of(sid, protocol)

    def open(self) -> None:
        """The client speaks first; nobody else looks whether it is still there."""
        reactor = self._connection.pipeline.server.reactor
        self._deadline = reactor.callLater(UPGRADE_SECONDS, self._too_late)
        polling = self._state.polling.get(self._sid)
        if polling is not None:
            # Who has this id until then: an upgrade may come to nothing.
            self._connection.pipeline.users[polling.id] = polling

    def _too_late(self) -> None:
        self._connection.close(1002, "an upgrade is wanted here")

    def receive(self, payload: bytes | bytearray, binary: bool) -> Any:
        text = "" if binary else payload.decode("utf-8", "replace")
        if text == packets.PING + "probe":
            return self._probed()
        if text == packets.UPGRADE:
            return self._take_over()
        raise Close(1002, "a probe or an upgrade is wanted here")

    async def _probed(self) -> None:
        if not await self._state.nodes.probe(self._sid):
            raise Close(1002, "session ID unknown")
        self._connection.sendMessage(packets.PONG + "probe", False)

    async def _take_over(self) -> None:
        self._stop_clock()
        taking = self._state.nodes.take(self._sid)
        estate = await taking.estate
        if estate is None:
            raise Close(1002, "session ID unknown")
        self._connection.pipeline.users[self._connection.id] = self._connection
        session = self._connection.session = WebSocketSession(self._connection, estate)
        session.inherit(estate)
        taking.finish(session)

    def _stop_clock(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    def leave(self) -> None:
        self._stop_clock()
        self._state.nodes.unprobe(self._sid)
