"""An asynchronous filter: the first message of a client is its name, which nobody else has while it stays.

Names live in the storage object: with ``--storage redis`` they are unique on all nodes, and nothing here changes.

fws_server -f nicknames filtered_websocket.filters.broadcast_messages
"""

from filtered_websocket import Connection
from filtered_websocket.errors import StopChain
from filtered_websocket.filters.base import WebSocketDisconnectFilter, WebSocketMessageFilter


class TakeName(WebSocketMessageFilter):
    @classmethod
    async def filter(cls, web_socket_instance: Connection, data: bytearray) -> bytes:
        if web_socket_instance.token is not None:
            return f"{web_socket_instance.token}: {data.decode()}".encode()
        name = data.decode().strip()
        # While storage answers, this client's next messages wait; everybody else's go on.
        if not await web_socket_instance.storage_object.put("names", name, web_socket_instance.id, only_new=True):
            web_socket_instance.sendMessage(f"{name} is taken")
            raise StopChain
        web_socket_instance.token = name
        web_socket_instance.sendMessage(f"you are {name}")
        raise StopChain


class GiveBackName(WebSocketDisconnectFilter):
    @classmethod
    async def filter(cls, web_socket_instance: Connection, data: None) -> None:
        if web_socket_instance.token is not None:
            await web_socket_instance.storage_object.delete("names", web_socket_instance.token)
