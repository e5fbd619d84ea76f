"""The filters of the Pusher pack: greet, decode, ask the session, take back."""

import secrets
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
from filtered_websocket.errors import Reject, StopChain
from filtered_websocket.filters.pusher import wire
from filtered_websocket.filters.pusher.apps import App
from filtered_websocket.filters.pusher.session import Session
from filtered_websocket.filters.pusher.state import State
from filtered_websocket.filters.pusher.wire import PusherError

PROTOCOLS = range(5, 8)
"""Protocol 7, and two before it that differ in nothing that is spoken here."""

FAREWELL = 4200, "the server is stopping"
"""Come back at once: said where others may serve on. To a server that is alone, and started anew, clients come better
after the second that they wait after 1001: pusher-js, once refused, waits for fifteen."""


class Begin(WebSocketStartFilter):
    """Take the apps, and begin to tell hooks what nodes that have stopped have left."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> None:
        State.of(web_socket_instance).owed.start()
        if web_socket_instance.storage_object.shared:
            web_socket_instance.farewell = FAREWELL


class Name(WebSocketHandshakeFilter):
    """Give the connection an id of the form that SDKs insist on, and that cannot be guessed."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: Any) -> None:
        if not data.path.partition("/app/")[2]:
            raise Reject(404, "WebSockets of Pusher's protocol are at /app/KEY")
        web_socket_instance.id = f"{secrets.randbelow(1 << 53)}.{secrets.randbelow(1 << 53)}"


class Greet(WebSocketConnectFilter):
    """Find the app. What is wrong can be told only to an open WebSocket: browsers see nothing of a refusal by HTTP."""

    @classmethod
    async def filter(cls, web_socket_instance: Connection, data: None) -> None:
        connection = web_socket_instance
        state, request = State.of(connection.pipeline), connection.request
        try:
            app = await state.apps.of_key(key_in(request.path))
            check(app, request.params.get("protocol", [""])[0], connection.pipeline)
            assert app is not None
        except PusherError as error:
            connection.sendMessage(error.packet)
            connection.close(error.code, error.message)
            return
        Session(connection, app).begin()
        connection.sendMessage(wire.established(connection.id, connection.pipeline.options.pusher_activity_timeout))
        greeted(connection)


def key_in(path: str) -> str:
    """The app's key: the last segment, behind ``/app/``, wherever the pipeline is; "" where there is none."""
    before, _, key = path.rpartition("/")
    return key if before.endswith("/app") else ""


def check(app: App | None, protocol: str, pipeline: Pipeline) -> None:
    """
    :raises PusherError: the client may not connect
    """
    if app is None:
        raise PusherError(4001, "there is no app with this key")
    if not app.enabled:
        raise PusherError(4003, "the app is disabled")
    if not protocol:
        raise PusherError(4008, "a protocol version is wanted: ?protocol=7")
    if not (protocol.isascii() and protocol.isdigit()):
        raise PusherError(4006, "the protocol version is no number")
    if not len(protocol) < 5 or int(protocol) not in PROTOCOLS:
        raise PusherError(4007, "this protocol version is not supported; 7 is")
    if app.connections and State.of(pipeline).sessions[app.id] >= app.connections:
        raise PusherError(4004, "the app has as many connections as it may have")


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


class Terminate(WebSocketConsumerFilter):
    """End the connections of a user, on each node those that are its own."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: Any) -> None:
        channel = getattr(data, "channel", "")
        if channel[:1] != "!":
            return
        for connection in list(web_socket_instance.hub.subscribers(channel)):
            session = Session.of(connection)
            if session is not None:
                session.refuse(PusherError(wire.UNAUTHORIZED, "the app has ended this user's connections"))
        raise StopChain


class End(WebSocketStopFilter):
    """Nothing more is told, nor taken from others."""

    @classmethod
    def filter(cls, web_socket_instance: Pipeline, data: None) -> None:
        State.end(web_socket_instance)
