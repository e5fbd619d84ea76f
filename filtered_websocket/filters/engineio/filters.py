"""The filters of the pack alone: admit, greet, read, forget. What comes behind them gets messages, not packets."""

from collections.abc import Awaitable
from typing import Any

from twisted.internet.defer import Deferred

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
from filtered_websocket.chain.running import run
from filtered_websocket.errors import StopChain
from filtered_websocket.filters.engineio.filtered_session import FilteredSession
from filtered_websocket.filters.engineio.handshake import admit
from filtered_websocket.filters.engineio.inbox import Inbox
from filtered_websocket.filters.engineio.nodes import said
from filtered_websocket.filters.engineio.session import Session
from filtered_websocket.filters.engineio.state import State
from filtered_websocket.filters.engineio.websocket import Carrier, receive
from filtered_websocket.messages.message import Message, in_binary_message


class Begin(WebSocketStartFilter):
    """Hear the other nodes before the first client comes."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> Deferred[Any]:
        # Java's clients read nothing behind a close frame, and notice the end only when a ping does not come.
        web_socket_instance.farewell = None
        return State.of(web_socket_instance).listening


class Admit(WebSocketHandshakeFilter):
    """A WebSocket that begins a session, or is to take over one that polls."""

    checks_origin = True

    @classmethod
    def filter(cls, web_socket_instance: Carrier | FilteredSession, data: Request) -> Awaitable[None] | None:
        if isinstance(web_socket_instance, FilteredSession):
            return None  # which its endpoint has admitted
        return admit(State.of(web_socket_instance.pipeline).engine, web_socket_instance, data)


class Greet(WebSocketConnectFilter):
    """A new session says what it is. One that is yet to be taken over has begun long ago."""

    @classmethod
    def filter(cls, web_socket_instance: Carrier, data: None) -> None:
        web_socket_instance.session.open()
        if not isinstance(web_socket_instance.session, Session):
            raise StopChain


class Read(WebSocketMessageFilter):
    """From packets to messages; a packet that is none, such as a ping, ends here."""

    runs_the_rest = True
    """Of a message of another kind than its packet: to traces (`server.traced_chain`)."""

    @classmethod
    def filter(cls, web_socket_instance: Carrier, data: bytearray | str) -> Any:
        waits = receive(web_socket_instance, data)
        if waits is not None:
            return cls.wait(waits)
        application = getattr(web_socket_instance.session, "application", None)
        message = application.take() if isinstance(application, Inbox) else None
        if message is None:
            raise StopChain
        if message[1] == in_binary_message.get():
            return bytearray(message[0])
        return cls.go_on(web_socket_instance, message)

    @classmethod
    async def wait(cls, waits: Awaitable[Any]) -> None:
        await waits
        raise StopChain

    @classmethod
    def go_on(cls, connection: Carrier, message: Message) -> Awaitable[None]:
        """A message of another kind than its packet, such as bytes in base64: the filters behind this one are told."""
        payload, binary = message
        chain = connection.pipeline.chains["message"]
        kind = in_binary_message.set(binary)
        try:
            result = run(chain[chain.index(cls.step) + 1 :], connection, bytearray(payload))
        finally:
            in_binary_message.reset(kind)
        if isinstance(result, Deferred):
            return cls.wait(result)
        raise StopChain


class Forget(WebSocketDisconnectFilter):
    """The session has ended, unless it goes on without this connection."""

    takes_back = True

    @classmethod
    def filter(cls, web_socket_instance: Carrier, data: None) -> None:
        session = web_socket_instance.session
        session.leave()
        if not isinstance(session, Session):
            raise StopChain


class Hear(WebSocketConsumerFilter):
    """What other nodes say. Filters behind the pack do not hear it."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: Any) -> None:
        nodes, message = State.of(web_socket_instance).engine.nodes, said(data)
        if message is not None and message[0] in nodes.heard:
            nodes.consume(message[1])
            raise StopChain


class End(WebSocketStopFilter):
    """Clients that poll are told to come again."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> None:
        State.end(web_socket_instance)
