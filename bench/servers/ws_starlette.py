"""Starlette on uvicorn, whose own choices of loop and protocol stand; options.py tells its arguments and what a path
means."""

from collections import defaultdict

import options
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocketDisconnect

channels = defaultdict(set)


async def handler(connection):
    await connection.accept()
    path = connection.url.path
    joined = options.channels_of(path)
    for channel in joined:
        channels[channel].add(connection)
    try:
        async for message in connection.iter_text():
            if path == "/echo":
                await connection.send_text(message)
                continue
            members = channels[options.target(path, message)]
            for member in tuple(members):
                try:
                    await member.send_text(message)
                except (WebSocketDisconnect, RuntimeError):
                    members.discard(member)
    finally:
        for channel in joined:
            channels[channel].discard(connection)


certificate, key = options.CERTIFICATE or (None, None)
uvicorn.run(
    Starlette(routes=[WebSocketRoute("/{path:path}", handler)]),
    host="127.0.0.1",
    port=options.PORT,
    ssl_certfile=certificate,
    ssl_keyfile=key,
    backlog=4096,
    log_level="warning",
    ws_per_message_deflate=options.DEFLATE,
    ws_ping_interval=None,
    ws_max_size=1 << 24,
)
