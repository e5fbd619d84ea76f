"""What clients may ask for: join and leave. Anything else, and whatever is no such request, is ignored."""

from collections.abc import Awaitable, Sequence
from typing import Any

from filtered_websocket.filters.ws_emit import auth
from filtered_websocket.filters.ws_emit.socket import Socket


def obey(socket: Socket, data: Sequence[Any]) -> Awaitable[None] | None:
    """Do what the data of an event packet says: ``["join", {"room": str, "secret": str}]`` or ``["leave", ...]``.

    :returns: None when that is done, else an awaitable
    """
    name, argument = data[0] if data else None, data[1] if len(data) > 1 else None
    if not isinstance(argument, dict) or not isinstance(argument.get("room"), str):
        return None
    room = argument["room"]
    if name == "join":
        space = auth.space_of(room)
        if space is not None:
            return _join_with_secret(socket, room, space, argument.get("secret"))
        socket.join(room)
    elif name == "leave":
        socket.leave(room)
    return None


async def _join_with_secret(socket: Socket, room: str, space: str, secret: Any) -> None:
    if await auth.allows(socket.pipeline, space, secret) and socket.is_connected:
        socket.prove(space, secret)
        socket.join(room)
