"""aiohttp: `ws_aiohttp.py PORT`; the path is the channel, /echo echoes."""

import sys
from collections import defaultdict

from aiohttp import WSMsgType, web
from loop import new_event_loop

channels = defaultdict(set)


async def handler(request):
    connection = web.WebSocketResponse(compress=False)
    await connection.prepare(request)
    members = channels[request.path]
    members.add(connection)
    try:
        async for message in connection:
            if message.type is not WSMsgType.TEXT:
                continue
            if request.path == "/echo":
                await connection.send_str(message.data)
                continue
            for member in tuple(members):
                try:
                    await member.send_str(message.data)
                except ConnectionError:
                    members.discard(member)
    finally:
        members.discard(connection)
    return connection


app = web.Application()
app.router.add_get("/{channel}", handler)
web.run_app(
    app,
    host="127.0.0.1",
    port=int(sys.argv[1]),
    backlog=4096,
    access_log=None,
    print=None,
    loop=new_event_loop(),
)
