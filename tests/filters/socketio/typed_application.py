"""An application that uses what the pack exports, with types: `test_types` checks it, and runs it."""

import re
from typing import Any

from twisted.internet.defer import Deferred

from filtered_websocket.errors import Reject
from filtered_websocket.filters.base import (
    Connection,
    Pipeline,
    WebSocketConnectFilter,
    WebSocketConsumerFilter,
    WebSocketHandshakeFilter,
    WebSocketMessageFilter,
    WebSocketStartFilter,
    WebSocketStopFilter,
)
from filtered_websocket.filters.socketio import (
    Namespace,
    NoAnswer,
    Operator,
    RemoteSocket,
    Socket,
    SocketIOConnectFilter,
    SocketIODisconnectFilter,
    SocketIOEventFilter,
    SocketIOServerFilter,
    namespace,
)

# Filters of the server's own events, with arguments of their own names and number.


class Begin(WebSocketStartFilter):
    @classmethod
    def filter(cls, pipeline: Pipeline, data: None) -> None:
        namespace(pipeline, "/chat").to("hall").emit("news", "begun")


class End(WebSocketStopFilter):
    @classmethod
    def filter(cls, pipeline: Pipeline) -> None:
        namespace(pipeline).disconnect_sockets(close=True)


class Door(WebSocketHandshakeFilter):
    @classmethod
    async def filter(cls, connection: Connection, request: Any) -> None:
        if "closed" in connection.request.params:
            raise Reject(401, "closed")


class Listen(WebSocketConnectFilter):
    @classmethod
    def filter(cls, connection: Connection, data: None) -> "Deferred[Any]":
        return connection.subscribe("news")


class Look(WebSocketMessageFilter):
    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytearray) -> bytes | None:
        return bytes(data) if data.startswith(b"4") else None


class Hear(WebSocketConsumerFilter):
    @classmethod
    def filter(cls, pipeline: Pipeline, item: object) -> None:
        assert pipeline.server.counters.totals is not None


# Filters of Socket.IO's events.


class Enter(SocketIOConnectFilter):
    namespace = re.compile("/.*")

    @classmethod
    async def filter(cls, socket: Socket, auth: dict[str, Any]) -> None:
        if not auth.get("name"):
            raise Reject(403, "a name is wanted", data={"ask": "name"})
        socket.user = auth["name"]
        socket.data["seen"] = 0
        socket.join("hall", ["a", "b"])


class Say(SocketIOEventFilter):
    event = "say"
    namespace = ("/", "/chat")

    @classmethod
    async def filter(cls, socket: Socket, text: str, *more: str) -> tuple[str, int]:
        hall: Operator = socket.to("hall").except_("quiet")
        hall.volatile.emit("said", socket.user, text, *more)
        try:
            answers = await hall.call("sure?", timeout=5)
            own: list[Any] = await socket.call("sure?", timeout=5)
        except NoAnswer as error:
            return "nobody", error.clients
        return "heard", len(answers) + len(own)


class Write(SocketIOEventFilter):
    event = ("write", "print")

    @classmethod
    def filter(cls, socket: Socket, text: str, copies: int = 1) -> str:
        if socket.event == "print":
            socket.broadcast.emit("printed", text)
        return text * copies


class Who(SocketIOEventFilter):
    event = "who"

    @classmethod
    async def filter(cls, socket: Socket) -> list[str]:
        found: list[RemoteSocket] = await namespace(socket.connection.pipeline, socket.namespace).fetch_sockets()
        for each in found:
            each.emit("asked", each.address)
        return sorted(str(each.user) for each in found)


class Every(SocketIOEventFilter):
    @classmethod
    def filter(cls, socket: Socket, *arguments: Any) -> None:
        if socket.handshake.headers.get("cookie") is None and "hall" in socket.rooms:
            socket.volatile.emit("seen", *arguments)


class Left(SocketIODisconnectFilter):
    @classmethod
    def filter(cls, socket: Socket, reason: str) -> None:
        socket.to("hall").emit("left", socket.user, reason)


class Count(SocketIOServerFilter):
    event = "count"

    @classmethod
    async def filter(cls, namespace: Namespace, room: str) -> int:
        return len(await namespace.to(room).local.fetch_sockets())
