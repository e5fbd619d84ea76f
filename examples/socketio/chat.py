"""A chat with rooms. The server answers what clients ask, and asks the clients of a room."""

from typing import Any

from files import page

from filtered_websocket.errors import Reject
from filtered_websocket.filters.base import Pipeline
from filtered_websocket.filters.socketio import (
    NoAnswer,
    Socket,
    SocketIOConnectFilter,
    SocketIODisconnectFilter,
    SocketIOEventFilter,
    namespace,
)
from filtered_websocket.web.base import Endpoint, HTTPRequest, Response

SECONDS = 10
"""How long the others have to answer a question."""


class Page(Endpoint):
    path = "/"

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Response:
        return page("chat.html")


def is_text(value: Any, longest: int) -> bool:
    """Clients may send anything."""
    return isinstance(value, str) and 0 < len(value.strip()) <= longest


class Introduce(SocketIOConnectFilter):
    @classmethod
    def filter(cls, socket: Socket, auth: dict[str, Any]) -> None:
        if not is_text(auth.get("name"), 40):
            raise Reject(403, "a name of 1 to 40 characters is wanted")
        socket.user = auth["name"].strip()


class Enter(SocketIOEventFilter):
    """Go into a room. The acknowledgement has the names of all that are there, by id: two may have one name."""

    event = "enter"

    @classmethod
    async def filter(cls, socket: Socket, room: Any) -> dict[str, Any]:
        if not is_text(room, 40):
            return {"error": "a room's name has 1 to 40 characters"}
        leave_room(socket)
        socket.join(room)
        socket.data["room"] = room
        socket.to(room).emit("came", socket.id, socket.user)
        everybody = await namespace(socket.connection.pipeline).to(room).fetch_sockets()
        return {"people": {each.id: each.user for each in everybody}}


class Say(SocketIOEventFilter):
    event = "say"

    @classmethod
    def filter(cls, socket: Socket, text: Any) -> dict[str, Any]:
        room = socket.data.get("room")
        if room is None or not is_text(text, 1000):
            return {"error": "say 1 to 1000 characters, in a room"}
        socket.to(room).emit("said", socket.user, text)
        return {}


class Ask(SocketIOEventFilter):
    """Put a question to the others of the room. What each acknowledges is an answer."""

    event = "ask"

    @classmethod
    async def filter(cls, socket: Socket, question: Any) -> dict[str, Any]:
        room = socket.data.get("room")
        if room is None or not is_text(question, 1000):
            return {"error": "ask 1 to 1000 characters, in a room"}
        silent = 0
        try:
            answers = await socket.to(room).call("asked", socket.user, question, timeout=SECONDS)
        except NoAnswer as error:
            answers, silent = error.answers, error.clients
        yes = sum(answer[:1] == [True] for answer in answers)
        return {"yes": yes, "no": len(answers) - yes, "silent": silent}


class Leave(SocketIODisconnectFilter):
    @classmethod
    def filter(cls, socket: Socket, reason: str) -> None:
        leave_room(socket)


def leave_room(socket: Socket) -> None:
    room = socket.data.pop("room", None)
    if room is not None:
        socket.leave(room)
        socket.to(room).emit("left", socket.id, socket.user)
