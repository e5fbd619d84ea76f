"""What clients may ask for: join and leave. Anything else, and whatever is no such request, is ignored."""

from collections.abc import Sequence
from typing import Any

from filtered_websocket.filters.ws_emit import auth, rooms


def obey(session: Any, data: Sequence[Any]) -> Any:
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
            return _join_with_secret(session, room, space, argument.get("secret"))
        rooms.enter(session, room)
    elif name == "leave":
        rooms.leave(session, room)
    return None


async def _join_with_secret(session: Any, room: str, space: str, secret: Any) -> None:
    if await auth.allows(session.pipeline, space, secret) and session.is_connected:
        rooms.enter(session, room)
