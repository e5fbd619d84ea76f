"""Groups by token: ``token:NAME`` in a message registers its sender, all other messages go to the group's others.

A client is in one group, the last it registered with. The groups are sets in the storage object, under the token's
name, as in the original; messages travel on a channel of the group.
"""

import re
from typing import Any

from filtered_websocket.filters.base import Connection, WebSocketDisconnectFilter, WebSocketMessageFilter

TOKEN = re.compile(rb"token:([^\s]*)")


def _channel(token: str) -> str:
    return f"token {token}"


ACTS = True


class BroadcastMessagesByToken(WebSocketMessageFilter):
    """Register, or relay to the group."""

    @classmethod
    def filter(cls, web_socket_instance: Connection, data: bytearray | str) -> Any:
        registration = TOKEN.search(data.encode() if isinstance(data, str) else data)
        if registration:
            return cls.register(web_socket_instance, registration.group(1).decode(errors="replace"))
        token = web_socket_instance.token
        if token is None:
            web_socket_instance.sendMessage("Error: No token has been set")
        else:
            web_socket_instance.publish(_channel(token), data, exclude=web_socket_instance.id)
        return None

    @classmethod
    async def register(cls, web_socket_instance: Connection, token: str) -> None:
        """Leave the old group, enter the new, and say so when publications will arrive."""
        await leave(web_socket_instance)
        try:
            await web_socket_instance.subscribe(_channel(token))
        except ValueError as error:
            web_socket_instance.sendMessage(f"Error: no such group: {error}")
            return
        web_socket_instance.token = token
        await web_socket_instance.storage_object.add(token, web_socket_instance.id)
        web_socket_instance.sendMessage(f"Successfully registered with broadcast group: {token}")


class LeaveGroup(WebSocketDisconnectFilter):
    """A client that has gone is in no group."""

    takes_back = True

    @classmethod
    async def filter(cls, web_socket_instance: Connection, data: None) -> None:
        await leave(web_socket_instance)


async def leave(web_socket_instance: Connection) -> None:
    """Take a client out of its group, if it is in one."""
    token, web_socket_instance.token = web_socket_instance.token, None
    if token is not None:
        await web_socket_instance.unsubscribe(_channel(token))
        # A later connection may have taken its id, and stand in the group with it.
        other = web_socket_instance.users.get(web_socket_instance.id, web_socket_instance)
        if other is web_socket_instance or other.token != token:
            await web_socket_instance.storage_object.remove(token, web_socket_instance.id)
