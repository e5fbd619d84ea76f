"""The filters of the Pushi pack: greet, decode, ask the session, take back."""

import socket
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
from filtered_websocket.chain.interfaces import Connection, Pipeline
from filtered_websocket.chain.speech import greeted
from filtered_websocket.errors import Close, Reject, StopChain
from filtered_websocket.filters.pushi import listener, wire
from filtered_websocket.filters.pushi.session import Session
from filtered_websocket.filters.pushi.state import State
from filtered_websocket.messages.strict_json import loads

KEY_LENGTH = 64

KEEP_ALIVE = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))
"""Gone after a minute of silence on the wire: seconds to the first probe, between probes, and how many."""


class Begin(WebSocketStartFilter):
    """Put the option's apps into the storage object, and open the second port for HTTP."""

    @classmethod
    async def filter(cls, web_socket_instance: Pipeline, data: None) -> None:
        state = State.of(web_socket_instance)
        listener.check(web_socket_instance.options)
        await state.apps.seed()
        state.owed.start()
        state.listener = listener.listen(web_socket_instance)


class Find(WebSocketHandshakeFilter):
    """Find the app. Of a key that could be one, the connection is told only when it is open, which browsers can see."""

    @classmethod
    async def filter(cls, web_socket_instance: Connection, data: Any) -> None:
        key = data.path.rpartition("/")[2]
        app = await State.of(web_socket_instance.pipeline).apps.of_key(key)
        if app is None and len(key) != KEY_LENGTH:
            raise Reject(404, "the path is to end in the key of an app")
        if app is not None:
            Session(web_socket_instance, app).begin()


class Greet(WebSocketConnectFilter):
    """The first packet: by what name the connection signs."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: None) -> None:
        session = Session.of(web_socket_instance)
        if session is None:
            raise Close(4001, "there is no app with this key")
        if "user-agent" not in web_socket_instance.request.headers:
            cls.spare_pings(web_socket_instance)
        web_socket_instance.sendMessage(wire.established(web_socket_instance.id))
        session.is_greeted = True
        greeted(web_socket_instance)

    @classmethod
    def spare_pings(cls, connection: Connection) -> None:
        """Pushi's socket client (netius), which sends no User-Agent, takes a ping for a packet, and breaks: the kernel
        finds out whether such a client still lives."""
        connection.pipeline.server.heartbeat.remove(connection)
        keep_alive = getattr(connection.transport, "setTcpKeepAlive", None)
        if keep_alive is None:
            return  # a Unix socket: both ends are on one machine, and the end of one is always seen
        keep_alive(True)
        handle = connection.transport.getHandle()
        for option, value in KEEP_ALIVE:
            handle.setsockopt(socket.IPPROTO_TCP, option, value)


class Obey(WebSocketMessageFilter):
    """Do what a packet says, and tell the client if it may not be done."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytearray) -> Deferred[Any] | None:
        session = Session.of(web_socket_instance)
        if session is None:
            raise StopChain  # it is being closed
        return session.receive(data)


class Leave(WebSocketDisconnectFilter):
    """Take back what the connection held."""

    takes_back = True

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: None) -> Deferred[Any] | None:
        session = Session.of(web_socket_instance)
        return None if session is None else session.end()


class Resubscribe(WebSocketConsumerFilter):
    """A user's subscriptions have changed: the connections of that user on this node follow."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: Any) -> None:
        channel = getattr(data, "channel", "")
        if channel[:1] != "!":
            return
        user_id, change = channel.partition(":")[2], loads(data.payload)
        for connection in list(web_socket_instance.hub.subscribers(channel)):
            session = Session.of(connection)
            if session is not None:
                session.subscription_changed(user_id, change)
        raise StopChain


class End(WebSocketStopFilter):
    """Nothing more is told, nor taken from others; the second port is closed."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> None:
        State.end(web_socket_instance)
