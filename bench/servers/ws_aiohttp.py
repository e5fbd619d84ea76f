"""aiohttp; options.py tells its arguments and what a path means."""

from collections import defaultdict

import options
from aiohttp import WSMsgType, web
from loop import new_event_loop

channels = defaultdict(set)


async def handler(request):
    connection = web.WebSocketResponse(compress=options.DEFLATE)
    await connection.prepare(request)
    path = request.path
    joined = options.channels_of(path)
    for channel in joined:
        channels[channel].add(connection)
    try:
        async for message in connection:
            if message.type is not WSMsgType.TEXT:
                continue
            if path == "/echo":
                await connection.send_str(message.data)
                continue
            members = channels[options.target(path, message.data)]
            for member in tuple(members):
                try:
                    await member.send_str(message.data)
                except ConnectionError:
                    members.discard(member)
    finally:
        for channel in joined:
            channels[channel].discard(connection)
    return connection


app = web.Application()
app.router.add_get("/{path:.*}", handler)
web.run_app(
    app,
    host="127.0.0.1",
    port=options.PORT,
    ssl_context=options.SSL,
    backlog=4096,
    access_log=None,
    print=None,
    loop=new_event_loop(),
)
