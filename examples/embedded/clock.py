"""A chat inside an asyncio program, which tells everybody the time: python clock.py"""

import asyncio
import contextlib
import time

from filtered_websocket import Connection
from filtered_websocket.commands.embedded import EmbeddedServer, asyncio_reactor
from filtered_websocket.filters.base import WebSocketConnectFilter, WebSocketMessageFilter


class Enter(WebSocketConnectFilter):
    @classmethod
    async def filter(cls, web_socket_instance: Connection) -> None:
        await web_socket_instance.subscribe("room")


class Say(WebSocketMessageFilter):
    @classmethod
    async def filter(cls, web_socket_instance: Connection, data: bytearray) -> None:
        await asyncio.sleep(0)  # the program's loop is the filters'
        web_socket_instance.publish("room", data)


async def main() -> None:
    async with asyncio_reactor(), EmbeddedServer(filters=[__name__], port=9000) as server:
        print("listening on", server.address, flush=True)
        while True:
            server.pipeline().publish("room", time.strftime("it is %H:%M:%S"))
            await asyncio.sleep(1)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
