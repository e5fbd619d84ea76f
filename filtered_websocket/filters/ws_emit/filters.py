"""The filters of the WS-Emit pack: admit, greet, obey, forget; and carry out what the bus says."""

from collections.abc import Awaitable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
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
from filtered_websocket.chain.interfaces import Pipeline
from filtered_websocket.chain.request import Request
from filtered_websocket.filters.engineio.filtered_session import FilteredSession
from filtered_websocket.filters.engineio.handshake import admit
from filtered_websocket.filters.engineio.nodes import said
from filtered_websocket.filters.engineio.packets import Malformed
from filtered_websocket.filters.engineio.websocket import Carrier, receive
from filtered_websocket.filters.socketio import bus
from filtered_websocket.filters.ws_emit import logged, orders
from filtered_websocket.filters.ws_emit.options import ADDRESSING
from filtered_websocket.filters.ws_emit.state import State

_log = Logger()


class Begin(WebSocketStartFilter):
    """Hear what is emitted before the first client comes."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> Deferred[Any]:
        # Java's clients read nothing behind a close frame, and notice the end only when a ping does not come.
        web_socket_instance.farewell = None
        if warning := ADDRESSING.warning(web_socket_instance):
            _log.warn("{warning}", warning=warning)
        return State.of(web_socket_instance).begin()


class Admit(WebSocketHandshakeFilter):
    """A WebSocket that begins a session, or is to take over one that polls."""

    checks_origin = True

    @classmethod
    def filter(cls, web_socket_instance: Carrier | FilteredSession, data: Request) -> Awaitable[None] | None:
        if isinstance(web_socket_instance, FilteredSession):
            return None  # which its endpoint has admitted
        return admit(State.of(web_socket_instance.pipeline).engine, web_socket_instance, data)


class Greet(WebSocketConnectFilter):
    """A new session says what it is."""

    @classmethod
    def filter(cls, web_socket_instance: Carrier, data: None) -> None:
        web_socket_instance.session.open()


class Obey(WebSocketMessageFilter):
    """Do what a packet says."""

    @classmethod
    def filter(cls, web_socket_instance: Carrier, data: bytearray | str) -> Awaitable[None] | None:
        return receive(web_socket_instance, data)


class Forget(WebSocketDisconnectFilter):
    """Out of its rooms."""

    takes_back = True

    @classmethod
    def filter(cls, web_socket_instance: Carrier, data: None) -> None:
        web_socket_instance.session.leave()


class CarryOut(WebSocketConsumerFilter):
    """What programs and other nodes say on the bus."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: Any) -> None:
        state = State.of(web_socket_instance)
        if (message := said(data)) is None:
            if state.recovery is not None:
                state.recovery.hear(data)
            return
        channel, content = message
        if channel == bus.CHANNEL:
            cls.order(state, content)
        elif channel in state.engine.nodes.heard:
            state.engine.nodes.consume(content)
        elif state.recovery is not None:
            state.recovery.hear_bus(channel, content)

    @classmethod
    def order(cls, state: State, message: bytes) -> None:
        """One that cannot be read is counted; the next is none the worse for it."""
        pipeline, recovery = state.pipeline, state.recovery
        item = None
        try:
            read = bus.read(message, pipeline.options.ws_emit_pickle, "ws_emit_pickle")
            if recovery is not None and bus.is_logged(read, "ws_emit"):
                return
            order = bus.order_of(read, partial(ADDRESSING.is_for, pipeline))
            if order is not None and recovery is None:
                orders.carry_out(pipeline, order)
            elif order is not None:
                item = logged.item_of(order)
        except Malformed as error:
            pipeline.server.counters.count("dropped", "ws_emit: unreadable on the bus", str(error))
        if recovery is not None:
            recovery.said(bus.CHANNEL, item)


class End(WebSocketStopFilter):
    """Clients that poll are told to come again."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> None:
        State.end(web_socket_instance)
