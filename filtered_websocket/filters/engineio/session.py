"""One Engine.IO session, whatever transport carries its packets.

A session has one transport for life: `WebSocketSession` or `PollingSession`. In an upgrade one session ends, and
another goes on with what the first has left. What the messages of the client mean, the application knows that runs on
the session.
"""

from collections.abc import Awaitable, MutableMapping
from typing import Any, Protocol

from filtered_websocket.chain.clock import DelayedCall
from filtered_websocket.chain.interfaces import Connection, Pipeline
from filtered_websocket.chain.subscriber import Subscriber
from filtered_websocket.filters.engineio import packets, strict_json
from filtered_websocket.filters.engineio.application import Application
from filtered_websocket.filters.engineio.encodings import Encodings
from filtered_websocket.filters.engineio.handover import Handover, id_of
from filtered_websocket.filters.engineio.options import EngineOptions
from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.limits.heartbeat import Heartbeat
from filtered_websocket.messages.message import Message

PROTOCOL_ERROR = 1002
"""The close code for a client that breaks the protocol. One that polls is told nothing but 400."""


class Engine(Protocol):
    """What a session knows of the engine that it belongs to."""

    @property
    def pipeline(self) -> Pipeline: ...
    @property
    def options(self) -> EngineOptions: ...
    @property
    def encodings(self) -> Encodings: ...
    @property
    def heartbeat(self) -> Heartbeat: ...
    @property
    def upgraded(self) -> dict[str, None]: ...
    @property
    def named(self) -> "MutableMapping[str, Session]": ...
    def serve(self, session: "Session") -> Application:
        """Make the application that runs on a session."""


class Session:
    """
    :ivar sid: the client's key to its session, which nobody else knows
    :ivar id: what filters and programs call the client
    :ivar engine: that it belongs to
    :ivar protocol: of Engine.IO, 4 or 3
    :ivar subscriber: what is in the hub for it
    :ivar connection: what filters get for it: a WebSocket, or the session itself
    :ivar moves: another session goes on in its place
    :ivar reason: why it ends, in the words of the protocol
    """

    subscriber: Subscriber
    connection: Connection
    slot = 0
    awaiting_pong: bool | None = None
    moves = False
    reason = "transport close"

    def __init__(self, engine: Engine, sid: str, protocol: int, name: str = "") -> None:
        self.engine, self.pipeline = engine, engine.pipeline
        self.sid, self.protocol = sid, protocol
        self.id = name or id_of(sid, protocol)
        self.ended = False
        self.application = engine.serve(self)
        self._heartbeat = engine.heartbeat
        self._deadline: DelayedCall | None = None

    @property
    def upgrades(self) -> list[str]:
        """The transports that the client may go on with."""
        return []

    # What the transports do.

    def send(self, *messages: Message) -> None:
        """Send to this client alone, behind what was sent to its channels before."""
        raise NotImplementedError

    def send_together(self, messages: tuple[Message, ...]) -> None:
        """Send at once what has waited elsewhere, which may be more than may wait for a slow client."""
        self.send(*messages)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """End the session; the client is told, and may come again."""
        raise NotImplementedError

    def hung_up(self) -> None:
        """The client has ended the session."""
        self.close()

    def gone(self) -> None:
        """The client is not there any more."""
        raise NotImplementedError

    def succeeded(self) -> None:
        """A later client has its id."""
        self.pipeline.server.counters.count("closed", "id taken by a later connection")
        self.close(1008, "id taken by a later connection")

    @property
    def waits(self) -> int:
        """Bytes that wait for the client to read."""
        raise NotImplementedError

    def standing_still(self) -> bool:
        """Whether the clock by which the client is judged stands."""
        raise NotImplementedError

    # Beginning and end.

    def open(self) -> None:
        """Greet a new client."""
        options = self.engine.options
        interval, timeout = round(options.ping_interval * 1000), round(options.ping_timeout * 1000)
        handshake: dict[str, Any] = {"sid": self.sid, "upgrades": self.upgrades}
        handshake |= {"pingTimeout": timeout, "pingInterval": interval}
        if self.protocol != 3:
            handshake["maxPayload"] = options.max_payload
        self.send(((packets.OPEN + strict_json.dumps(handshake)).encode(), False))
        self._watch()
        self.application.opened()

    def resume(self, handover: Handover) -> None:
        """Go on where another session ended."""
        self._watch()
        if handover.messages:
            self.send_together(handover.messages)
        self.application.resume(handover.application)

    def leave(self) -> Handover:
        """Leave everything, without a word to the client. What was published before is in the messages handed over."""
        # On asyncio's reactor the disconnect filters of a session that moves may run when its application has gone on.
        state: dict[str, Any] = {}
        if not self.ended:
            # First: a disconnect filter may end what is about to end.
            self.ended = True
            state = self.application.end()
        self._unwatch()
        return Handover(self.sid, self.protocol, (), state)

    def move(self) -> Handover:
        """Leave everything to a session that goes on, here or on another node."""
        self.moves = True
        return self.leave()

    def gone_on(self) -> None:
        """Another node has it."""
        self.application.gone_on()

    def lost(self) -> None:
        """It has moved, and was not taken: this is its end."""
        self.application.lost()

    def superseded(self) -> None:
        """It was taken too late, and has ended where it was: here it ends without a word to filters."""
        raise NotImplementedError

    # Packets of the client.

    def receive(self, payload: bytes | bytearray, binary: bool) -> Awaitable[None] | None:
        """Obey a message, as a WebSocket of Engine.IO 4 carries it.

        :returns: None, or an awaitable if it takes time; later messages of this client wait
        """
        if self.ended:
            return None
        try:
            if not binary and payload[:1] == b"b":
                payload, binary = packets.decode_text(payload.decode(), self.protocol)
            return self.application.receive_bytes(payload) if binary else self._packet(payload.decode())
        except (Malformed, UnicodeDecodeError) as error:
            self.pipeline.server.counters.count("closed", f"{self.engine.options.pack}: malformed packet", str(error))
            self.close(PROTOCOL_ERROR, "parse error")
            return None

    def _packet(self, text: str) -> Awaitable[None] | None:
        kind = text[:1]
        if kind == packets.MESSAGE:
            return self.application.receive(text[1:])
        if kind == (packets.PING if self.protocol == 3 else packets.PONG):
            self.awaiting_pong = False
            if self._deadline is not None:
                self._deadline.reset(self.silence)
            if len(text) > packets.MAX_ECHO:
                raise Malformed("a ping with more than a probe has")
            if kind == packets.PING:
                self.send(((packets.PONG + text[1:]).encode(), False))
        elif kind == packets.CLOSE:
            self.hung_up()
        elif kind not in (packets.UPGRADE, packets.NOOP):
            raise Malformed("a packet that no client of Engine.IO sends")
        return None

    # Whether the client is still there.

    @property
    def silence(self) -> float:
        """Seconds that a client may be silent."""
        return self.engine.options.ping_interval + self.engine.options.ping_timeout

    def _watch(self) -> None:
        """With Engine.IO 4 the heartbeat pings. With 3 the client does, and is to be heard in time."""
        if self.protocol != 3:
            self._heartbeat.add(self)
            return
        later = self.pipeline.server.reactor.callLater
        self._deadline = later(self.silence, self._not_heard)

    def _unwatch(self) -> None:
        deadline, self._deadline = self._deadline, None
        if deadline is not None:
            deadline.cancel()
        self._heartbeat.remove(self)

    def judge(self) -> None:
        """End now, if that is due: its timer may be behind a request that was read in the same turn."""
        deadline = self._deadline
        if deadline is not None and deadline.getTime() <= self.pipeline.server.reactor.seconds():
            deadline.cancel()
            self._not_heard()

    def _not_heard(self) -> None:
        self._deadline = None
        if self.standing_still():
            self._watch()
        else:
            self.ping_timed_out()

    def sendPing(self) -> None:
        self.send((packets.PING.encode(), False))

    def ping_timed_out(self) -> None:
        self.reason = "ping timeout"
        self.pipeline.server.counters.count("closed", f"{self.engine.options.pack}: ping timeout")
        self.gone()
