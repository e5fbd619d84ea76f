"""Private messages. A page that is loaded again is the same person, and finds what was said meanwhile.

A person takes a name that is free, and gets a session: a secret, which the page keeps and shows when it connects. Its
hash is stored. Messages are kept in the histories of channels; private_messages.json says how many.
"""

import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from files import page

from filtered_websocket.errors import Reject
from filtered_websocket.filters.base import Pipeline
from filtered_websocket.filters.socketio import (
    Socket,
    SocketIOConnectFilter,
    SocketIODisconnectFilter,
    SocketIOEventFilter,
)
from filtered_websocket.web.base import Endpoint, HTTPRequest, Response

PEOPLE = "people"
"""A map: name -> hash of the session."""
HERE = "here"
"""The presence of people, each with all of its pages."""
MOST = 1000
"""People."""


class Page(Endpoint):
    path = "/"

    @classmethod
    def handle(cls, pipeline: Pipeline, request: HTTPRequest) -> Response:
        return page("private_messages.html")


def is_text(value: Any, longest: int) -> bool:
    """Clients may send anything."""
    return isinstance(value, str) and 0 < len(value.strip()) <= longest


def room(name: str) -> str:
    """The room of all pages of a person."""
    return f"person {name}"


def talk(one: str, other: str) -> str:
    """The channel of what two have said to each other: a name holds no line break."""
    return "talk " + "\n".join(sorted((one, other)))


def hashed(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()


class Enter(SocketIOConnectFilter):
    @classmethod
    async def filter(cls, socket: Socket, auth: dict[str, Any]) -> None:
        name, session, storage = auth.get("name"), auth.get("session"), socket.connection.storage_object
        if not is_text(name, 40) or "\n" in str(name):
            raise Reject(403, "a name of 1 to 40 characters is wanted")
        name = str(name).strip()
        people = await storage.fields(PEOPLE)
        if session is not None:
            if not isinstance(session, str) or not hmac.compare_digest(hashed(session), str(people.get(name, ""))):
                raise Reject(401, "this session is unknown", data={"session": False})
        else:
            session = secrets.token_urlsafe(32)
            if len(people) >= MOST or not await storage.put(PEOPLE, name, hashed(session), only_new=True):
                raise Reject(403, "this name is taken")
        socket.user = name
        socket.join(room(name))
        socket.emit("session", session)


class Begin(SocketIOEventFilter):
    """The acknowledgement has the names that are known, and whether they are here.

    In an event, since the disconnect filter runs for clients alone that were let in.
    """

    event = "begin"

    @classmethod
    async def filter(cls, socket: Socket) -> dict[str, bool]:
        storage = socket.connection.storage_object
        if await storage.join(HERE, socket.user, socket.id):
            socket.broadcast.emit("here", socket.user, True)
        people, here = await storage.fields(PEOPLE), await storage.members(HERE)
        return {name: name in here for name in sorted(people)}


class Open(SocketIOEventFilter):
    """The acknowledgement is what two have said to each other, the latest last."""

    event = "open"

    @classmethod
    async def filter(cls, socket: Socket, other: Any) -> list[Any]:
        if not is_text(other, 40):
            return []
        kept = await socket.connection.storage_object.latest(talk(socket.user, other), 0, 100)
        return [json.loads(each.payload) for each in reversed(kept)]


class Write(SocketIOEventFilter):
    """The acknowledgement is the message, when it is kept. It goes to all pages of both, but for this one."""

    event = "write"

    @classmethod
    async def filter(cls, socket: Socket, other: Any, text: Any) -> dict[str, Any]:
        pipeline = socket.connection.pipeline
        if not is_text(text, 1000) or not is_text(other, 40):
            return {"error": "1 to 1000 characters are wanted"}
        if other not in await pipeline.storage_object.fields(PEOPLE):
            return {"error": f"nobody here is called {other}"}
        message = {"from": socket.user, "to": other, "text": text, "time": round(time.time() * 1000)}
        await pipeline.publish(talk(socket.user, other), json.dumps(message))
        socket.to(room(socket.user), room(other)).emit("message", message)
        return message


class Leave(SocketIODisconnectFilter):
    @classmethod
    async def filter(cls, socket: Socket, reason: str) -> None:
        if await socket.connection.storage_object.leave(HERE, socket.user, socket.id):
            socket.broadcast.emit("here", socket.user, False)
