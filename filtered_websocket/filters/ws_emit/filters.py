"""The filters of the WS-Emit pack: admit, greet, obey, forget; and carry out what the bus says."""

from functools import partial
from typing import Any

from twisted.logger import Logger

from filtered_websocket.chain.events import (
    WebSocketConnectFilter,
    WebSocketConsumerFilter,
    WebSocketDisconnectFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from filtered_websocket.errors import Reject
from filtered_websocket.filters.ws_emit import addressing, bus, rooms
from filtered_websocket.filters.ws_emit.engineio.packets import Malformed
from filtered_websocket.filters.ws_emit.handshake import PATH, is_at, protocol_of
from filtered_websocket.filters.ws_emit.state import State
from filtered_websocket.filters.ws_emit.websocket import Candidate, Fresh
from filtered_websocket.messages.message import in_binary_message
from filtered_websocket.web.response import HTTPError

_log = Logger()


class Begin(WebSocketStartFilter):
    """Hear what is emitted before the first client comes."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> Any:
        # Java's clients read nothing behind a close frame, and notice the end only when a ping does not come.
        web_socket_instance.farewell = None
        if warning := addressing.warning(web_socket_instance):
            _log.warn("{warning}", warning=warning)
        return State.of(web_socket_instance).listening


class Admit(WebSocketHandshakeFilter):
    """A WebSocket that begins a session, or is to take over one that polls."""

    checks_origin = True

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> Any:
        pipeline, params = web_socket_instance.pipeline, data.params
        if not is_at(pipeline, data.path, PATH):
            raise Reject(404, f"Socket.IO is served at {PATH}")
        if not pipeline.server.origin_allowed(data, pipeline.options.ws_emit_cors):
            raise Reject(400, "pages of this origin may not connect")
        try:
            protocol = protocol_of(pipeline, params)
        except HTTPError as error:
            raise Reject(400, "unsupported protocol version") from error
        if params.get("transport") != ["websocket"]:
            raise Reject(400, "transport unknown")
        if data.protocols and web_socket_instance.chosen_protocol is None:
            # None means anything here, but a browser that hears none of those it offered closes.
            web_socket_instance.accept(data.protocols[0])
        state, sid = State.of(pipeline), params.get("sid", [""])[0]
        if sid:
            return cls.candidate(web_socket_instance, state, sid, protocol)
        web_socket_instance.session = Fresh(web_socket_instance, protocol)
        return None

    @classmethod
    async def candidate(cls, connection: Any, state: State, sid: str, protocol: int) -> None:
        """For a session that there is, on whichever node."""
        if not await state.has(sid):
            raise Reject(400, "session ID unknown")
        connection.session = Candidate(connection, sid, protocol)


class Greet(WebSocketConnectFilter):
    """A new session says what it is."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> None:
        web_socket_instance.session.open()


class Obey(WebSocketMessageFilter):
    """Do what a packet says."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: bytearray | str) -> Any:
        if isinstance(data, str):
            return web_socket_instance.session.receive(data.encode("utf-8", "replace"), False)
        return web_socket_instance.session.receive(data, in_binary_message.get())


class Forget(WebSocketDisconnectFilter):
    """Out of its rooms."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> None:
        web_socket_instance.session.leave()


class CarryOut(WebSocketConsumerFilter):
    """What programs and other nodes say on the bus."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: Any) -> None:
        if not isinstance(data, dict) or not isinstance(data.get("data"), (bytes, bytearray)):
            return
        channel, message = data.get("channel"), bytes(data["data"])
        if channel == bus.CHANNEL.encode():
            cls.order(web_socket_instance, message)
        elif (
            isinstance(channel, bytes)
            and channel.decode("utf-8", "replace") in State.of(web_socket_instance).nodes.channels
        ):
            State.of(web_socket_instance).nodes.consume(message)

    @classmethod
    def order(cls, pipeline: Any, message: bytes) -> None:
        """One that cannot be read is counted; the next is none the worse for it."""
        State.of(pipeline)
        try:
            order = bus.decode(message, pipeline.options.ws_emit_pickle, partial(addressing.is_for, pipeline))
            if order is not None:
                rooms.carry_out(pipeline, order)
        except Malformed as error:
            pipeline.server.counters.count("dropped", "ws_emit: unreadable on the bus", str(error))


class End(WebSocketStopFilter):
    """Clients that poll are told to come again."""

    @classmethod
    def filter(cls, web_socket_instance: Any, data: None) -> None:
        state = web_socket_instance.__dict__.get("ws_emit")  # None if the start failed before this pack's turn
        if state is not None:
            state.stop()
