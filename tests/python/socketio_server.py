"""A server of python-socketio on the same Redis: python socketio_server.py URL. Says the port it listens on."""

import asyncio
import sys
from typing import Any

import socketio
from aiohttp import web

manager = socketio.AsyncRedisManager(sys.argv[1], channel="flask-socketio")
server = socketio.AsyncServer(async_mode="aiohttp", client_manager=manager)


@server.event  # type: ignore[untyped-decorator]
async def join(sid: str, data: dict[str, str]) -> None:
    await server.enter_room(sid, data["room"])


@server.event  # type: ignore[untyped-decorator]
async def call(sid: str, wanted: dict[str, Any]) -> Any:
    return await server.call(**wanted, timeout=20)


@server.event  # type: ignore[untyped-decorator]
async def put_out(sid: str, wanted: dict[str, Any]) -> None:
    await server.disconnect(**wanted)


async def main() -> None:
    application = web.Application()
    server.attach(application)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
